#!/usr/bin/env bash
# Builds the documentation site into build/doc/html: build-doc.sh [--no-install] [--no-rust]
#
# Doxygen reads the public headers, Sphinx the pages of doc/ and of the repository's first level; with cargo, rustdoc adds the Rust
# crates, unless --no-rust. Any warning ends it. --no-install: of the packages it needs none is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ " $* " != *' --no-install '* ]]; then
    tools/install-packages.sh doxygen python3-sphinx python3-breathe python3-myst-parser furo python3-sphinx-copybutton
fi

out=$PWD/build/doc
rm -rf "$out/source" "$out/doxygen" "$out/html"
mkdir -p "$out/source" "$out/doxygen"
export AURAIO_SOURCE=$PWD AURAIO_DOXYGEN_XML=$out/doxygen/xml

echo 'reference: doxygen'
doc/site/plain_declarations.py include "$out/doxygen/include"
(cd "$out/doxygen" && doxygen "$AURAIO_SOURCE/doc/site/Doxyfile" 2>warnings)
if [[ -s $out/doxygen/warnings ]]; then
    cat "$out/doxygen/warnings" >&2
    exit 1
fi

echo 'pages: sphinx'
ln -s "$PWD"/{doc,example,bindings,test,include,tools,benchmark,{README,CHANGELOG,CONTRIBUTING,SECURITY}.md,LICENSE} "$out/source"
sphinx-build -W --keep-going -q -c doc/site -d "$out/doctrees" "$out/source" "$out/html"
if [[ " $* " == *' --no-rust '* ]]; then
    echo 'Rust: left out'
elif command -v cargo >/dev/null; then
    echo 'Rust: rustdoc'
    # DOCS_RS: nothing is linked, so the C library need not be there.
    status=0
    DOCS_RS=1 RUSTDOCFLAGS='--deny warnings' bindings/rust/cargo.sh doc --quiet \
        --manifest-path bindings/rust/Cargo.toml --no-deps --package aura --package aura-sys \
        --features aura/async,aura/stream --target-dir "$out/rust" || status=$?
    if ((status == 0)); then
        cp -R "$out/rust/doc" "$out/html/rust"
    elif ((status == 77)); then # it has said which crates the system does not have
        echo 'Rust: left out'
    else
        exit "$status"
    fi
else
    echo 'Rust: left out, no cargo'
fi

cat >"$out/html/index.html" <<'END'
<!-- The first page is doc/index.html. -->
<!doctype html><meta charset="utf-8"><title>auraio</title><meta http-equiv="refresh" content="0; url=doc/index.html">
<a href="doc/index.html">auraio</a>
END
printf '%s pages in %s\n' "$(find "$out/html" -name '*.html' | wc -l)" "$out/html"
