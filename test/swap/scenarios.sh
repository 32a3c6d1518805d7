# What is done with Asio's programs: one function for each way to use them.
#
# A function finds its programs in $server and $client and prints what they did. It has no opinion on the result: run.sh
# compares transcripts, and asks of the original's one that it contains what scenarios.txt says.
# shellcheck shell=bash disable=SC2154 # server, client, here: scenario.sh

port=12345

# Arguments: the program's.
alone() { client "$server" "$@" </dev/null; }

# Which of two timers comes first is for the threads to settle.
alone_with_threads() { alone "$@" | sed --regexp-extended 's/^Timer [12]/Timer/'; }

# Arguments: the lines it is given.
alone_with_lines() { printf '%s\n' "$@" | client "$server"; }

# --- echo ---------------------------------------------------------------------------------------------------------

talk_to_echo() {
    local message
    for message in hello 'a second line' "$(printf 'x%.0s' {1..1000})"; do
        echo "$message" | client "$client" "$@"
    done
}

echo_tcp() {
    start server "$server" "$port"
    until_tcp "$port"
    talk_to_echo 127.0.0.1 "$port"
    stop server
}

# For servers that have the port built in.
echo_tcp_55555() {
    start server "$server"
    until_tcp 55555
    talk_to_echo 127.0.0.1 55555
    stop server
}

# What the server says of its handlers is its own affair.
echo_tcp_tracked() { echo_tcp | sed '/^--- server$/,$d'; }

echo_udp() {
    start server "$server" "$port"
    until_udp "$port"
    talk_to_echo 127.0.0.1 "$port"
    stop server
}

# Two clients at once, the second started while the first is connected.
echo_tcp_forking() {
    start server "$server" "$port"
    until_tcp "$port"
    start first "$client" 127.0.0.1 "$port"
    until_output first 'Enter'
    echo 'from the second' | client "$client" 127.0.0.1 "$port"
    say first 'from the first'
    ended first
    stop server
}

echo_tls() {
    start server "$server" "$port"
    until_tcp "$port"
    talk_to_echo 127.0.0.1 "$port"
    stop server
}

echo_local() {
    start server "$server" socket
    until_unix socket
    talk_to_echo socket
    stop server
}

uppercase() {
    start program "$server"
    say program hello
    until_output program 'Result: HELLO'
    say program 'and again'
    until_output program 'Result: AND AGAIN'
    stop program
}

pass_descriptor() {
    start server "$server" socket
    until_unix socket
    echo "$PWD/passed" | client "$client" socket | sed --regexp-extended "s/(is: |#)[0-9]+/\1N/"
    sed 's/#[0-9]*/#N/' passed
    stop server
}

# --- chat ---------------------------------------------------------------------------------------------------------

# The server gives who comes later what was said before: no need to know when a client has arrived.
chat() {
    start server "$server" "$port" $((port + 1))
    until_tcp $((port + 1))
    start alice "$client" 127.0.0.1 "$port"
    start bob "$client" 127.0.0.1 "$port"
    say alice 'hello from alice'
    until_output bob 'hello from alice'
    say bob 'hello from bob'
    until_output alice 'hello from bob'
    start carol "$client" 127.0.0.1 "$port"
    until_output carol 'hello from bob'
    local name
    for name in alice bob carol; do
        hang_up "$name"
        ended "$name"
    done
    stop server
}

chat_in_lines() {
    start server "$server" "$port"
    until_tcp "$port"
    local alice bob line
    exec {alice}<>"/dev/tcp/127.0.0.1/$port" {bob}<>"/dev/tcp/127.0.0.1/$port"
    echo 'hello from alice' >&"$alice"
    read -r -t 10 -u "$bob" line && echo "bob: $line"
    echo 'hello from bob' >&"$bob"
    read -r -t 10 -u "$bob" line && echo "bob: $line"
    read -r -t 10 -u "$alice" line && echo "alice: $line"
    read -r -t 10 -u "$alice" line && echo "alice: $line"
    exec {alice}>&- {bob}>&-
    stop server
}

# --- daytime and other servers that speak first -------------------------------------------------------------------

# Prints what the server at a port sends until it closes; nothing, if nobody listens.
read_tcp() { timeout 10 cat 2>/dev/null <"/dev/tcp/127.0.0.1/$1"; }

daytime() {
    start server "$server"
    until_tcp 13
    client "$client" localhost </dev/null
    client "$client" localhost </dev/null
    [[ ! -e log.txt ]] || cat log.txt
    stop server
}

daytime_udp() {
    start server "$server"
    until_udp 13
    client "$client" localhost </dev/null
    client "$client" localhost </dev/null
    stop server
}

daytime_any_port() {
    start server "$server" "$port"
    until_tcp "$port"
    read_tcp "$port"
    read_tcp "$port"
    stop server
}

daytime_daemon() {
    client "$server" </dev/null
    until_udp 13
    client "$client" localhost </dev/null
    kill "$(ss --no-header --listening --numeric --udp --processes 'sport = :13' |
        sed --regexp-extended 's/.*pid=([0-9]+).*/\1/')"
    until_true not_listening --udp 'sport = :13' && echo 'daemon ended'
}
not_listening() { ! listening "$@"; }

# Each test in the program accepts one connection, writes and ends.
composed_writes() {
    start server "$server"
    while kill -s 0 "${process_id[server]}" 2>/dev/null; do
        read_tcp 55555
    done
    ended server
}

serialized() {
    start server "$server" "$port"
    until_tcp "$port"
    client "$client" 127.0.0.1 "$port" </dev/null
    stop server
}

# --- timeouts -----------------------------------------------------------------------------------------------------

start_timeouts_server() {
    start server "$server" "$port" 127.0.0.1 $((port + 1))
    until_tcp "$port"
}

timeouts_blocking() {
    start_timeouts_server
    client "$client" 127.0.0.1 "$port" hello </dev/null
    client "$client" 127.0.0.1 "$port" 'hello again' </dev/null
    stop server
}

timeouts_async() {
    start_timeouts_server
    start client "$client" 127.0.0.1 "$port"
    # Nobody knows when it has joined, so it is told until it hears.
    until_true tell_and_look client
    stop client | uniq
    stop server
}
tell_and_look() {
    echo 'hello all' >"/dev/tcp/127.0.0.1/$port"
    sleep 0.1
    grep --quiet 'hello all' "$1.out"
}

timeouts_udp() {
    start client "$client" 127.0.0.1 $((port + 1))
    until_udp $((port + 1))
    start_timeouts_server
    until_true tell_and_look client
    stop client | uniq
    stop server
}

# --- datagrams ----------------------------------------------------------------------------------------------------

multicast() {
    start receiver "$server" 0.0.0.0 239.255.0.1
    until_udp 30001
    start sender "$client" 239.255.0.1
    until_output receiver 'Message 2'
    stop sender
    stop receiver | sed '/Message [3-9]/d'
}

ping() {
    start program "$server" 127.0.0.1
    until_output program 'icmp_seq=2'
    stop program | sed --regexp-extended '/icmp_seq=[3-9]/d; s/time=[0-9]+/time=N/'
}

# The frames depend on the moment; that both go on after the change of ports does not.
hop_ports() {
    start server "$server" "$port"
    until_tcp "$port"
    start client "$client" 127.0.0.1 "$port"
    until_output client 'Renegotiation complete' && echo 'renegotiated'
    stop client >/dev/null
    stop server | sed --regexp-extended 's/ (Adding|Removing) .*//; s/[0-9.:]+$//' | sort --unique
}

# --- files --------------------------------------------------------------------------------------------------------

copy_file() {
    head --bytes 300001 /dev/urandom >from
    client "$server" from to </dev/null
    cmp from to && echo 'the same'
}

# --- HTTP ---------------------------------------------------------------------------------------------------------

make_documents() {
    mkdir root
    echo '<html>home</html>' >root/index.html
    seq 60000 >root/big.txt
}

http_requests() {
    local url=$1 curl=(curl --silent --show-error --max-time 20 --insecure)
    "${curl[@]}" --include "$url/index.html"
    "${curl[@]}" --include "$url/"
    "${curl[@]}" --include "$url/missing"
    "${curl[@]}" --include --path-as-is "$url/../outside"
    "${curl[@]}" "$url/big.txt" | cmp - root/big.txt && echo 'big.txt: the same'
    # Several on one connection, where the server allows it; then several connections at once.
    "${curl[@]}" "$url/index.html" "$url/index.html" "$url/big.txt" | sha256sum
    "${curl[@]}" --parallel --parallel-immediate "$url/"index.{html,html,html,html,html,html,html,html} \
        2>/dev/null | sha256sum
    seq 12 | xargs --max-procs 12 -I{} "${curl[@]}" --output got.{} "$url/big.txt"
    sha256sum got.* | cut --delimiter ' ' --fields 1 | uniq --count
}

# Arguments: the server's, of which PORT and ROOT are replaced.
http() {
    make_documents
    local arguments=("${@/#PORT/$port}")
    start server "$server" "${arguments[@]/#ROOT/$PWD/root}"
    until_tcp "$port"
    http_requests "http://127.0.0.1:$port"
    stop server
}

# For clients that go to the port of HTTP.
http_client() {
    make_documents
    start server "$server" 127.0.0.1 80 "$PWD/root"
    until_tcp 80
    client "$client" localhost /index.html </dev/null
    client "$client" localhost /missing </dev/null
    client "$client" localhost /big.txt </dev/null | sha256sum
    stop server
}

# The HTTP server is the one the client finds behind the proxy.
http_by_socks() {
    make_documents
    start server "$server" 127.0.0.1 80 "$PWD/root"
    start socks /usr/bin/python3 "$here/socks4_server.py" 1080
    until_tcp 80
    until_tcp 1080
    client "$client" 127.0.0.1 1080 chris </dev/null
    stop socks
    stop server
}
