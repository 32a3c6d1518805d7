# The small tables of file_reads.sh and try.sh: median rate and CPU time per operation of each program.
# Variables: unit and each (reads, read), and what, a line that explains.

BEGIN {
    if (unit == "") {
        unit = "reads"
        each = "read"
        what = "Random 4 KiB reads of one file, on one processor (the pread pool on two); medians."
    }
}

function median(list, n,    i, j, value) {
    for (i = 2; i <= n; ++i) {
        value = list[i]
        for (j = i - 1; j >= 1 && list[j] > value; --j)
            list[j + 1] = list[j]
        list[j + 1] = value
    }
    return list[int((n + 1) / 2)]
}

function median_of(scenario, name, key,    list, i) {
    split("", list)
    for (i = 1; i <= runs[scenario, name]; ++i)
        list[i] = values[scenario, name, key, i]
    return median(list, runs[scenario, name])
}

# A result line: key=value words; the name may contain spaces, so it is cut out first.
function text_between(line, from, to,    begin) {
    begin = index(line, from) + length(from)
    line = substr(line, begin)
    return substr(line, 1, index(line, to) - 1)
}

{
    scenario = text_between($0, "scenario=", " ")
    if (!(scenario in seen)) {
        seen[scenario] = 1
        order[++scenarios] = scenario
    }
    if ($1 == "missing") {
        notes = notes "Not here, " scenario ": " substr($0, index($0, "name=") + 5) "\n"
        next
    }
    name = text_between($0, " name=", " depth=")
    if (!((scenario, name) in runs))
        row[scenario, ++rows[scenario]] = name
    ++runs[scenario, name]
    values[scenario, name, "rate", runs[scenario, name]] = text_between($0 " ", " ops_per_s=", " ")
    values[scenario, name, "cpu", runs[scenario, name]] = text_between($0 " ", " cpu_ns_per_op=", " ")
}

END {
    for (s = 1; s <= scenarios; ++s) {
        scenario = order[s]
        title = scenario
        gsub("_", " ", title)
        sub("O DIRECT", "O_DIRECT", title)
        printf "\n%-28s %12s %14s\n", title, unit "/s", "CPU us/" each
        for (i = 1; i <= rows[scenario]; ++i) {
            name = row[scenario, i]
            printf "  %-26s %12.0f %14.2f\n", name, median_of(scenario, name, "rate"),
                   median_of(scenario, name, "cpu") / 1000
        }
    }
    printf "\n%s\n", what
    printf "System calls are slow in a virtual machine, so batching them looks better there than on metal.\n"
    printf "%s", notes
}
