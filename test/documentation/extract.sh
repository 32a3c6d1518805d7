#!/usr/bin/env bash
# Makes sources of the code in README and doc/, to be compiled: extract.sh SOURCE-DIRECTORY OUTPUT-DIRECTORY
#
# A program is taken as it is; fragments become the bodies of functions whose parameters are what they take for granted. A
# fragment that this does not find has been changed or removed: change this, too.
set -euo pipefail
source=$1 output=$2 count=0

# fenced FILE LANGUAGE TEXT: the block of that language that has the text
fenced() {
    awk -v language="$2" -v text="$3" '
        /^```/ {
            if (inside && index(block, text)) { printf "%s", block; found = 1 }
            inside = !inside && $0 == "```" language
            block = ""
            next
        }
        inside { block = block $0 "\n" }
        END { exit !found }' "$source/$1" || { echo "extract: no $2 in $1 with: $3" >&2; exit 1; }
}

# indented FILE TEXT: the indented lines around the one that has the text, up to blank lines
indented() {
    awk -v text="$2" '
        /^    / { block = block $0 "\n"; next }
        { if (index(block, text)) { printf "%s", block; found = 1 } block = "" }
        END { exit !found }' "$source/$1" || { echo "extract: nothing in $1 with: $2" >&2; exit 1; }
}

fenced README.md cpp 'int main' >"$output/program.cpp"
{
    echo '#include <auraio/aura.h>'
    echo 'void on_read(aura_request_t *request, ssize_t result, void *user_data);'
    echo 'void fragment(int fd, char (*where)[4096]);'
    echo 'void fragment(int fd, char (*where)[4096]) {'
    echo '#define data (*where)'
    fenced README.md c aura_create | grep --invert-match '^#include'
    echo '}'
} >"$output/fragment.c"
{
    echo '#include <auraio/auraio.hpp>'
    echo '#include <auraio/serve_statistics.hpp>'
    echo '#include <iostream>'
    echo 'using namespace std::chrono_literals;'
    echo 'const auto token = aura::detached;'
    echo 'void settings(aura::io_context& context) {'
    indented doc/controller.md set_max_p99_latency
    echo '(void)d; }'
    echo 'void pool(aura::random_access_file& file) {'
    indented doc/memory.md 'pool.allocate(64 * 1024)' | sed 's/{ \.\.\. }/{ (void)ec; (void)n; }/'
    indented doc/memory.md pool_allocator
    echo '}'
    echo 'void watching(aura::io_context& context, aura::buffer_pool& pool) {'
    fenced doc/observing.md cpp 'stats.total()'
    fenced doc/observing.md cpp prometheus_text
    fenced doc/observing.md cpp serve_statistics
    echo '(void)body; (void)statistics; }'
    for fragment in 'register_buffers(ctx, sequence)' 'register_buffers(ctx, pool)' 'file_registration files'; do
        echo "void registration_$((++count))(aura::io_context& ctx, const std::vector<aura::mutable_buffer>& sequence,"
        echo '    aura::random_access_file& file, aura::random_access_file& other) {'
        indented doc/memory.md "$fragment"
        echo '(void)ctx; (void)sequence; (void)file; (void)other; }'
    done
} >"$output/fragments.cpp"
