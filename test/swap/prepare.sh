#!/usr/bin/env bash
# Copies the distribution's examples twice, the second time swapped to namespace aura: prepare.sh DESTINATION
#
# Leaves DESTINATION/original, DESTINATION/swapped and DESTINATION/programs, which names each program with its sources:
# every directory with a main.cpp is one program, every other file with a main() is one.
set -euo pipefail
destination=$1
here=$(cd "$(dirname "$0")" && pwd)
asio=${AURAIO_ASIO_EXAMPLES:-/usr/share/doc/libasio-dev/examples}
beast=${AURAIO_BEAST_EXAMPLES:-/usr/share/doc/libboost1.81-doc/examples/libs/beast/example}

# Copied afresh, everything would be compiled afresh.
fresh=true
for input in "$here/prepare.sh" "$here"/*.sed; do
    [[ $destination/programs -nt $input ]] || fresh=false
done
if $fresh; then
    exit 0
fi

# Sources and what they read; Debian compresses the larger files and ships stray build results.
copy_examples() {
    local from=$1 to=$2
    mkdir -p "$to"
    (cd "$from" && find . -type f \( -name '*.?pp' -o -name '*.ipp' -o -name '*.pem' \
        -o -name '*.?pp.gz' -o -name '*.pem.gz' \) -print0 | xargs -0 cp --parents --target-directory "$to")
    find "$to" -name '*.gz' -exec gunzip --force {} +
}

list_programs() {
    cd "$destination/original"
    local file directory
    find . -name main.cpp -printf '%P\n' | sort | while read -r file; do
        directory=$(dirname "$file")
        echo "${directory/example\//} $(echo "$directory"/*.cpp)"
    done
    find . -name '*.cpp' -printf '%P\n' | sort | while read -r file; do
        directory=$(dirname "$file")
        if [[ ! -e $directory/main.cpp ]] && grep --quiet --extended-regexp '^ *(int +)?main *\(' "$file"; then
            # Beast keeps one program with its parts in a directory; Asio several programs side by side.
            if [[ $file == beast/* ]]; then
                echo "${directory/example\//} $(echo "$directory"/*.cpp)"
            else
                echo "${file%.cpp} $file"
            fi
        fi
    done
}

# Beast's clients trust two public authorities and no server of the examples; here they trust the servers' certificate.
trust_example_server() {
    local common=$destination/original/beast/example/common
    {
        echo '#include <boost/asio/ssl.hpp>'
        echo '#include <string>'
        echo 'inline void load_root_certificates(boost::asio::ssl::context& ctx) {'
        echo '    std::string const cert ='
        sed --quiet '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' "$common/server_certificate.hpp"
        echo '    ctx.add_certificate_authority(boost::asio::buffer(cert.data(), cert.size()));'
        echo '}'
    } >"$common/root_certificates.hpp"
}

rm -rf "$destination/original" "$destination/swapped"
copy_examples "$asio" "$destination/original/asio"
copy_examples "$beast" "$destination/original/beast/example"
trust_example_server
cp -a "$destination/original" "$destination/swapped"
find "$destination/swapped/asio" -name '*.?pp' ! -name custom_tracking.hpp \
    -exec sed --in-place --regexp-extended --file "$here/asio.sed" {} +
find "$destination/swapped/beast" -name '*.?pp' \
    -exec sed --in-place --regexp-extended --file "$here/beast.sed" {} +
(list_programs) >"$destination/programs"
