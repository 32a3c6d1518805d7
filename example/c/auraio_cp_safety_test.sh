#!/usr/bin/env bash
# auraio_cp where a copy could harm the source or something else: it leaves what `cp -R -p` leaves, file by file, and
# fails when that fails. auraio_cp_safety_test.sh PROGRAM DIRECTORY
set -euo pipefail
program=$(realpath "$1") work=$2
rm -rf "$work"
mkdir -p "$work"
work=$(realpath "$work")
trap 'rm -rf "$work"' EXIT
failures=0

listing() {
    find . -mindepth 1 -printf '%p %y %m %n %u %l\n' | sort
    { find . -type f -exec md5sum {} + 2>/dev/null || true; } | sort # what cannot be read is not compared
}

# case NAME PREPARATION COMMAND: both run in an empty directory; in COMMAND, copy is the program or cp.
case_of() {
    local name=$1 prepare=$2 command=$3 who status
    for who in ours cp; do
        mkdir -p "$work/$who/box"
        (
            cd "$work/$who/box"
            if [ "$who" = cp ]; then copy=(cp -R -p); else copy=("$program"); fi
            copy() { timeout 20 "${copy[@]}" "$@"; }
            umask 022
            eval "$prepare"
            status=0
            eval "$command" 2>"../messages" || status=$?
            listing >../listing
            echo "ends $((status != 0))" >>../listing
        )
    done
    if ! diff "$work/cp/listing" "$work/ours/listing" >"$work/difference"; then
        echo "failed: $name (< cp, > ours)"
        cat "$work/difference" "$work/ours/messages"
        failures=$((failures + 1))
    fi
    rm -rf "$work/ours" "$work/cp"
}

case_of 'a directory onto itself' 'mkdir d; echo precious >d/file; echo more >d/other' 'copy d .'
case_of 'a directory onto itself by its path' 'mkdir d; echo precious >d/file' 'copy "$PWD/d" "$PWD"'
case_of 'a directory onto itself by a link' 'mkdir d; echo precious >d/file; ln -s . self' 'copy d self'
case_of 'its contents onto itself' 'mkdir d; echo precious >d/file' 'copy d/. d'
case_of 'a file onto itself' 'echo precious >f' 'copy f f'
case_of 'a file into its own directory' 'echo precious >f' 'copy f .'
case_of 'a file onto a hard link' 'echo precious >f; ln f h' 'copy f h'
case_of 'a file onto a link to it' 'echo precious >f; ln -s f l' 'copy f l'
case_of 'a link onto itself' 'ln -s nowhere l' 'copy l l'
case_of 'a link onto its hard link' 'ln -s nowhere l; ln -P l m' 'copy l m'
case_of 'a link onto what it leads to' 'echo precious >f; ln -s f l' 'copy l f'
case_of 'a FIFO onto itself' 'mkfifo p' 'copy p p'
case_of 'a backup of hard links' 'mkdir o; echo precious >o/f; cp -al o b; echo new >o/g' 'copy o/. b'
case_of 'the parent into a directory' 'mkdir -p s/in z/ex; echo mine >z/data; echo theirs >s/data' \
    'cd s/in; copy .. ../../z/ex; s=$?; cd ../..; (exit $s)'
case_of 'this directory into another' 'mkdir s z; echo theirs >s/data' 'cd s; copy . ../z; s=$?; cd ..; (exit $s)'
case_of 'this directory to a new name' 'mkdir s; echo theirs >s/data' 'cd s; copy . ../z; s=$?; cd ..; (exit $s)'
case_of 'a link with a slash' 'mkdir d; echo x >d/x; ln -s d l' 'copy l/ out'
case_of 'a link with a slash into a directory' 'mkdir d in; echo x >d/x; ln -s d l' 'copy l/ in'
case_of 'a directory with slashes' 'mkdir -p d/e; echo x >d/e/x' 'copy d/// out'
case_of 'a file with a slash' 'echo x >f' 'copy f/ out'
case_of 'to a new name with a slash' 'echo x >f' 'copy f out/'
case_of 'a directory onto a file' 'echo old >f; chmod 640 f; mkdir d; echo x >d/x; echo y >d/y' 'copy d f'
case_of 'a directory onto a file further down' 'mkdir -p d/e in/d; echo x >d/e/x; echo y >d/y; echo old >in/d/e' 'copy d in'
case_of 'a directory onto a link further down' 'mkdir -p d/e in/d o; echo x >d/e/x; ln -s ../../o in/d/e' 'copy d in'
case_of 'a file onto a directory' 'mkdir -p t/f; echo x >f' 'copy f t'
case_of 'a link onto a directory' 'mkdir -p t/l; ln -s x l' 'copy l t'
case_of 'a link onto a file' 'mkdir t; ln -s x l; echo old >t/l' 'copy l t'
case_of 'a dangling link as the target' 'echo x >f; ln -s new l' 'copy f l'
case_of 'a link to a file as the target' 'echo x >f; echo old >o; ln -s o l' 'copy f l'
case_of 'a link to a directory as the target' 'echo x >f; mkdir d; ln -s d l' 'copy f l'
case_of 'an older, longer file' 'echo x >f; seq 1000 >t; chmod 600 t' 'copy f t'
case_of 'a target that is a hard link of another' 'echo x >f; echo old >t; ln t u' 'copy f t'
case_of 'hard links in a tree' 'mkdir h; echo A >h/a; ln h/a h/b' 'copy h g'
case_of 'a tree over its own copy' 'mkdir h; echo A >h/a; ln h/a h/b; cp -R -p h g; echo B >h/b' 'copy h/. g'
case_of 'nothing' 'mkdir t' 'copy missing t'
case_of 'a file of /proc' '' 'copy /proc/version v && stat -c %s v >size'
case_of 'a file of /sys' '' 'copy /sys/kernel/mm/transparent_hugepage/enabled v'
case_of 'setuid and sticky bits' 'echo x >f; chmod 6755 f; mkdir d; chmod 1777 d; mv f d' 'copy d e'
case_of 'few descriptors' 'mkdir -p d/e; for i in {1..300}; do echo $i >d/$i; echo $i >d/e/$i; done' \
    '(ulimit -n 64; copy d out)'
case_of 'few descriptors that may be more' 'mkdir d; for i in {1..300}; do echo $i >d/$i; done' \
    '(ulimit -S -n 24; copy d out)'

# As nobody: root may read and write everything.
as_nobody=()
if ((EUID == 0)); then
    as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
chmod 755 "$work"
if "${as_nobody[@]}" test -x "$program" && "${as_nobody[@]}" test -x "$work"; then
    copy_as_nobody='as_nobody() { timeout 20 "${as_nobody[@]}" "${copy[@]}" "$@"; }; chmod 777 .'
    case_of 'a source that cannot be read' \
        "$copy_as_nobody; echo secret >s; chmod 0 s; echo precious >t; chmod 666 t" 'as_nobody s t'
    case_of 'a target that cannot be written' "$copy_as_nobody; echo new >s; echo old >t; chmod 444 t" 'as_nobody s t'
    case_of 'a directory that cannot be read' \
        "$copy_as_nobody; mkdir -p s/d; echo x >s/d/x; echo y >s/y; chmod 0 s/d" 'as_nobody s t'
    if ((EUID == 0)); then
        case_of "another's program" "$copy_as_nobody; echo x >s; chmod 6755 s" 'as_nobody s t'
    fi
else
    echo "skipped, as nobody: nobody else may run the program here"
fi

((failures == 0)) && echo passed
