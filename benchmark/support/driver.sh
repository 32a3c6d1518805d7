# shellcheck shell=bash
# Alternates contenders and collects their result lines; sourced by the scripts of this directory.
#
# A contender is a line "name|program arguments...", with NAME=value before the program for its environment. All
# contenders of a scenario run once per round, A B C A B C, so that what else happens on the machine meets them all;
# a report compares them round by round.

# Milliseconds per run, and rounds.
measure_ms=${MEASURE_MS:-500}
warm_ms=${WARM_MS:-100}
rounds=${ROUNDS:-7}
first_round=1
time_limit=20
# The command that leaves out contenders nobody asks for, given the scenario.
choose_contenders=all_contenders
all_contenders() { cat; }
# What becomes of the script when a contender is broken: "end", or "note" it as one that cannot run here.
when_broken=end

# run_scenario <programs> <results> <scenario>, contenders on standard input. One that this machine cannot run
# (status 77), or that does not come to its end, is noted and left out.
run_scenario() {
    local programs=$1 results=$2 scenario=$3
    local -a contenders=()
    local -A missing=()
    local line name round status output
    local -a words=() settings=()
    while IFS= read -r line; do
        [[ -n $line ]] && contenders+=("$line")
    done < <($choose_contenders "$scenario")
    printf '%s ' "$scenario" >&2
    for ((round = first_round; round < first_round + rounds; ++round)); do
        printf '.' >&2
        for line in "${contenders[@]}"; do
            name=${line%%|*}
            read -ra words <<<"${line#*|}"
            settings=()
            while [[ ${words[0]} == [A-Z]*=* ]]; do
                settings+=("${words[0]}")
                words=("${words[@]:1}")
            done
            [[ -n ${missing[$name]-} ]] && continue
            status=0
            # It runs where the programs are, so that no path, which may contain spaces, is among the words.
            output=$(cd "$programs" && env "${settings[@]}" timeout $time_limit "./${words[0]}" "${words[@]:1}" \
                "scenario=$scenario" "name=$name" "measure_ms=$measure_ms" "warm_ms=$warm_ms" 2>&1) || status=$?
            case $status in
            0) printf 'round=%d %s\n' "$round" "$output" >>"$results" ;;
            77 | 124)
                missing[$name]=1
                ((status == 124)) && output="did not end within $time_limit s"
                printf 'missing scenario=%s name=%s: %s\n' "$scenario" "$name" "$output" >>"$results"
                ;;
            *)
                printf '\n%s: %s failed with status %d: %s\n' "$scenario" "$name" "$status" "$output" >&2
                [[ $when_broken == note ]] || exit 1
                missing[$name]=1
                printf 'missing scenario=%s name=%s: failed with status %d: %s\n' \
                    "$scenario" "$name" "$status" "${output//$'\n'/ }" >>"$results"
                ;;
            esac
        done
    done
    printf '\n' >&2
}
