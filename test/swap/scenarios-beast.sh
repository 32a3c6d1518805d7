# What is done with Beast's programs, beside what is done with Asio's: see scenarios.sh.
# shellcheck shell=bash disable=SC2154 # server, client, here: scenario.sh

https() {
    make_documents
    local arguments=("${@/#PORT/$port}")
    start server "$server" "${arguments[@]/#ROOT/$PWD/root}"
    until_tcp "$port"
    http_requests "https://127.0.0.1:$port"
    stop server
}

# Servers that tell TLS from plain text.
http_and_https() {
    make_documents
    local arguments=("${@/#PORT/$port}")
    start server "$server" "${arguments[@]/#ROOT/$PWD/root}"
    until_tcp "$port"
    http_requests "http://127.0.0.1:$port"
    http_requests "https://127.0.0.1:$port"
    stop server
}

# The server counts its visitors.
http_small() {
    start server "$server" 127.0.0.1 "$port"
    until_tcp "$port"
    local path
    for path in /count /count /time /missing; do
        curl --silent --show-error --max-time 20 --include "http://127.0.0.1:$port$path" |
            sed --regexp-extended 's/[0-9]+ seconds since the epoch/N seconds/'
    done
    stop server
}

# Arguments: the server's. The client is Beast's own.
beast_get() {
    make_documents
    local arguments=("${@/#PORT/$port}")
    start server "$server" "${arguments[@]/#ROOT/$PWD/root}"
    until_tcp "$port"
    client "$client" localhost "$port" /index.html </dev/null
    client "$client" localhost "$port" /missing 1.0 </dev/null
    client "$client" localhost "$port" /big.txt </dev/null | sha256sum
    stop server
}

websocket_python() { client /usr/bin/python3 "$here/websocket_client.py" echo "$1" </dev/null; }

# Arguments: ws or wss, then the server's.
websocket() {
    local scheme=$1
    shift
    start server "$server" "${@/#PORT/$port}"
    until_tcp "$port"
    websocket_python "$scheme://127.0.0.1:$port/"
    stop server
}

beast_websocket() {
    start server "$server" "${@/#PORT/$port}"
    until_tcp "$port"
    client "$client" localhost "$port" 'hello from Beast' </dev/null
    client "$client" localhost "$port" 'hello again' </dev/null
    stop server
}

websocket_three_ports() {
    start server "$server" 127.0.0.1 "$port" 2
    until_tcp $((port + 2))
    local number
    for number in 0 1 2; do
        until_tcp $((port + number))
        websocket_python "ws://127.0.0.1:$((port + number))/"
    done
    stop server
}

# Servers of documents and websockets. Arguments: schemes, separated by commas.
advanced() {
    make_documents
    start server "$server" 127.0.0.1 "$port" "$PWD/root" 4
    until_tcp "$port"
    local scheme
    for scheme in ${1/,/ }; do
        http_requests "http${scheme#ws}://127.0.0.1:$port"
        websocket_python "$scheme://127.0.0.1:$port/"
    done
    stop server INT
}

websocket_chat() {
    make_documents
    start server "$server" 127.0.0.1 "$port" "$PWD/root" 4
    until_tcp "$port"
    http_requests "http://127.0.0.1:$port"
    client /usr/bin/python3 "$here/websocket_client.py" chat "ws://127.0.0.1:$port/" </dev/null
    stop server INT
}

# One operation: a line is read and sent back.
echo_operation() {
    start server "$server" 127.0.0.1 "$port"
    until_tcp "$port"
    local connection line
    exec {connection}<>"/dev/tcp/127.0.0.1/$port"
    printf 'hello\r\n' >&"$connection"
    read -r -t 20 -u "$connection" line && echo "$line"
    exec {connection}>&-
    ended server
}

post_json() {
    start service /usr/bin/python3 "$here/json_echo_server.py"
    until_tcp 80
    client "$server" </dev/null
    stop service
}

# Without a network every site fails to resolve; that it comes to an end with a report is all there is to see.
crawl() { client "$server" 4 </dev/null | sed --regexp-extended 's/[0-9.]+ seconds/N seconds/'; }
