# report.awk budgets results: a table per scenario, ratios to its first contender, and the budgets kept or
# not.
#
# Figures are medians over the rounds, with the median absolute deviation; a ratio is the median of the ratios
# of runs of the same round, which a slow minute of the machine does not change.

function median_of(list, n,    i, j, value) {
    for (i = 2; i <= n; ++i) {
        value = list[i]
        for (j = i - 1; j >= 1 && list[j] > value; --j)
            list[j + 1] = list[j]
        list[j + 1] = value
    }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

# Median of `key` over the rounds of a contender; the deviation, least and greatest are left in globals.
function median(scenario, name, key,    list, n, round, middle) {
    split("", list)
    n = 0
    for (round = 1; round <= rounds; ++round)
        if ((scenario, name, round, key) in value_of)
            list[++n] = value_of[scenario, name, round, key]
    if (n == 0)
        return "none"
    middle = median_of(list, n)
    least = list[1]
    greatest = list[n]
    for (round = 1; round <= n; ++round)
        list[round] = list[round] > middle ? list[round] - middle : middle - list[round]
    deviation = median_of(list, n)
    return middle
}

function ratio(scenario, name, reference, key,    list, n, round) {
    split("", list)
    n = 0
    for (round = 1; round <= rounds; ++round)
        if ((scenario, name, round, key) in value_of && (scenario, reference, round, key) in value_of &&
            value_of[scenario, reference, round, key] > 0)
            list[++n] = value_of[scenario, name, round, key] / value_of[scenario, reference, round, key]
    return n == 0 ? "none" : median_of(list, n)
}

# "cpu 1.02 <= 1.15 x raw_uring: kept", for every budget that speaks of this contender.
function verdicts(scenario, name,    i, metric, key, actual, kept, text, least_wanted) {
    text = ""
    for (i = 1; i <= budgets; ++i) {
        if (scenario !~ budget_scenario[i] || name !~ budget_name[i])
            continue
        metric = budget_metric[i]
        key = metric == "rate" ? "ops_per_s" : metric == "wake" ? "wake_ns" : \
              metric == "allocs" ? "allocs_per_op" : "cpu_ns_per_op"
        least_wanted = metric == "rate"
        if (metric == "allocs") {
            # Coroutine frames and the like are counted once per run too: below one in a thousand is none.
            actual = median(scenario, name, key)
            if (budget_peer[i] != "-")
                actual -= median(scenario, budget_peer[i], key)
            else
                actual -= budget_limit[i]
            kept = actual < 0.001
            actual = sprintf("%.3f", median(scenario, name, key))
        } else {
            actual = metric == "ns_cpu" ? median(scenario, name, key) : \
                     ratio(scenario, name, budget_peer[i], key)
            if (actual == "none")
                continue
            kept = least_wanted ? actual >= budget_limit[i] : actual <= budget_limit[i]
            actual = sprintf("%.3g", actual)
        }
        text = text sprintf("%s%s %s %s %s%s: %s", text == "" ? "" : "; ", metric, actual,
                            least_wanted ? ">=" : "<=", budget_limit[i],
                            budget_peer[i] == "-" ? "" : " x " budget_peer[i], kept ? "kept" : "MISSED")
    }
    return text
}

function report(scenario,    i, name, reference, cpu, spread, rate, wake, sleeps) {
    reference = first[scenario]
    printf "\n%s (ratios to %s)\n", scenario, reference
    printf "  %-25s %10s %8s %21s %7s %12s %7s %9s\n", "", "CPU ns/op", "+-", "min .. max", "ratio", "ops/s",
           "ratio", "allocs/op"
    for (i = 1; i <= names[scenario]; ++i) {
        name = name_of[scenario, i]
        cpu = median(scenario, name, "cpu_ns_per_op")
        spread = sprintf("%.4g .. %.4g", least, greatest)
        printf "  %-25s %10.4g %8.2g %21s %7.3f", name, cpu, deviation, spread,
               ratio(scenario, name, reference, "cpu_ns_per_op")
        printf " %12.0f %7.3f %9.3f", median(scenario, name, "ops_per_s"),
               ratio(scenario, name, reference, "ops_per_s"), median(scenario, name, "allocs_per_op")
        sleeps = median(scenario, name, "sleeps_per_op")
        if (sleeps != "none")
            printf "  sleeps %.2f, interrupts %.2f, busy %.2f, load busy %.2f", sleeps,
                   median(scenario, name, "interrupts_per_op"), median(scenario, name, "server_busy"),
                   median(scenario, name, "client_busy")
        wake = median(scenario, name, "wake_ns")
        if (wake != "none")
            printf "  wake %.0f +- %.0f ns, ratio %.3f, of it in the waker %.0f ns", wake, deviation,
                   ratio(scenario, name, reference, "wake_ns"), median(scenario, name, "issue_ns")
        printf "\n"
    }
    for (i = 1; i <= names[scenario]; ++i) {
        name = name_of[scenario, i]
        if (verdicts(scenario, name) != "")
            printf "  budget, %s: %s\n", name, verdicts(scenario, name)
    }
    printf "%s", missing[scenario]
}

# ---- input ----

/^#/ || NF == 0 { next }

NR == FNR {
    ++budgets
    budget_scenario[budgets] = "^" $1 "$"
    budget_name[budgets] = "^" $2 "$"
    budget_metric[budgets] = $3
    budget_limit[budgets] = $4
    budget_peer[budgets] = $5
    next
}

$1 == "missing" {
    split($2, scenario_word, "=")
    what = substr($0, index($0, "name=") + 5)
    missing[scenario_word[2]] = missing[scenario_word[2]] "  not here, " what "\n"
    next
}

{
    for (i = 1; i <= NF; ++i) {
        split($i, word, "=")
        field[word[1]] = word[2]
    }
    scenario = field["scenario"]
    name = field["name"]
    round = field["round"]
    if (round > rounds)
        rounds = round
    if (!(scenario in first)) {
        first[scenario] = name
        scenario_of[++scenarios] = scenario
    }
    if (!((scenario, name) in known)) {
        known[scenario, name] = 1
        name_of[scenario, ++names[scenario]] = name
    }
    for (key in field)
        value_of[scenario, name, round, key] = field[key]
    split("", field)
}

END {
    for (i = 1; i <= scenarios; ++i)
        report(scenario_of[i])
}
