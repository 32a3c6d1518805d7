#!/usr/bin/env python3
# report.py suite|table BUDGETS RESULTS... | small RESULTS UNIT TITLE | sweep, gate or thirds RESULTS: tables of what benchmarks printed.
"""Results are lines of key=value words, one for each run; only a name may contain spaces. Figures are medians over the
rounds, with the median absolute deviation where there is room for it; a ratio is the median of the ratios of runs of the
same round, which a slow minute of the machine does not change.

  suite    a table for each scenario, ratios to its first contender, and which budgets are kept (run.sh)
  table    all budgets in one table, beside the better peer and with their spread (run.sh all)
  needed   of the contenders on standard input (name|...) those that the budgets of a scenario compare: needed BUDGETS SCENARIO
  small    rate and CPU time of each program (file_reads.sh, try.sh)
  sweep    fixed depths and the gate beside them; gate: each round of both; thirds: 30 s in three parts (storage.sh)
"""
import re
import statistics
import sys
from collections import defaultdict

WORD = re.compile(r"(\w+)=(.*?)(?=\s+\w+=|\s*$)")


def records(path):
    """Each line as a dictionary; of a contender that could not run, what it said under `missing`."""
    with open(path) as lines:
        for line in lines:
            if line.startswith("missing "):
                yield {"scenario": line.split()[1].split("=")[1], "missing": line.rstrip("\n").split("name=", 1)[1]}
            elif found := WORD.findall(line):
                yield dict(found)


class Runs:
    """The runs of one contender, by round."""

    def __init__(self):
        self.rounds = {}

    def values(self, key):
        return [float(r[key]) for r in self.rounds.values() if key in r]

    def median(self, key):
        values = self.values(key)
        return statistics.median(values) if values else None

    def deviation(self, key):
        middle = self.median(key)
        return statistics.median(abs(v - middle) for v in self.values(key)) if middle is not None else None

    def ratios(self, reference, key):
        """Of the runs of the same round, in order of their size."""
        return sorted(float(run[key]) / float(other[key]) for number, run in self.rounds.items()
                      for other in [reference.rounds.get(number, {})]
                      if key in run and float(other.get(key, 0)) > 0)

    def ratio(self, reference, key):
        ratios = self.ratios(reference, key)
        return statistics.median(ratios) if ratios else None


class Scenario:
    """Its contenders in the order in which they ran, and what could not run."""

    def __init__(self):
        self.contenders = defaultdict(Runs)
        self.missing = []

    def peer(self, name):
        return self.contenders.get(name, Runs())


def scenarios_of(path):
    found = defaultdict(Scenario)
    for record in records(path):
        if "missing" in record:
            found[record["scenario"]].missing.append(record["missing"])
        elif "scenario" in record:
            runs = found[record["scenario"]].contenders[record["name"]]
            runs.rounds[record.get("round", len(runs.rounds))] = record
    return found


# ---- suite ----

METRICS = {"rate": "ops_per_s", "wake": "wake_ns", "p99": "p99_us", "p50": "p50_us", "arm": "arm_ns", "fire": "fire_ns",
           "allocs": "allocs_per_op", "cpu": "cpu_ns_per_op", "ns_cpu": "cpu_ns_per_op", "size": "size_bytes"}


class Budget:
    """One line: what of which contenders is promised beside which peers, and under which heading ("## ...") it stands."""

    def __init__(self, line, heading):
        self.where, self.who, self.metric, self.limit, peers = line.split()
        self.peers = [] if peers == "-" else peers.split(",")
        self.heading = heading

    def holds_for(self, scenario, name):
        return re.fullmatch(self.where, scenario) and re.fullmatch(self.who, name)


def budgets_of(path):
    found, heading = [], ""
    with open(path) as lines:
        for line in lines:
            if line.startswith("## "):
                heading = line[3:].strip()
            elif line.strip() and not line.startswith("#"):
                found.append(Budget(line, heading))
    return found


class Comparison:
    """One contender beside the better of its peers: that whose ratio leaves least of the promise."""

    def __init__(self, scenario, name, budget):
        key = METRICS[budget.metric]
        runs = scenario.contenders[name]
        self.at_least = budget.metric == "rate"
        self.limit = float(budget.limit)
        self.ours = runs.median(key)
        self.ratios, self.peer, self.theirs = [], None, None
        for peer in budget.peers:
            ratios = runs.ratios(scenario.peer(peer), key)
            if ratios and (not self.ratios or (statistics.median(ratios) < self.median) == self.at_least):
                self.ratios, self.peer, self.theirs = ratios, peer, scenario.peer(peer).median(key)

    @property
    def median(self):
        return statistics.median(self.ratios)

    @property
    def quartiles(self):
        """Of fewer than four rounds the least and the greatest, for there are no quarters of them."""
        if len(self.ratios) < 4:
            return self.ratios[0], self.ratios[-1]
        parts = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return parts[0], parts[2]

    def verdict(self):
        low, high = self.quartiles
        if low < high and low <= self.limit <= high:
            return "noise"
        return "kept" if (self.median >= self.limit if self.at_least else self.median <= self.limit) else "LOST"


def number(value):
    return 0 if value is None else value


def verdict(scenario, name, budget):
    """"cpu 1.02 <= 1.15 x raw_uring: kept"; nothing where there is nothing to compare with."""
    metric, limit = budget.metric, budget.limit
    peer = budget.peers[0] if budget.peers else "-"
    key = METRICS[metric]
    runs = scenario.contenders[name]
    at_least = metric == "rate"
    if metric == "allocs":
        # Coroutine frames and the like are counted once per run too: below one in a thousand is none.
        allowed = float(limit) if peer == "-" else number(scenario.peer(peer).median(key))
        kept = number(runs.median(key)) - allowed < 0.001
        actual = f"{number(runs.median(key)):.3f}"
    else:
        if metric == "ns_cpu":
            value = runs.median(key)
        else:
            beside = Comparison(scenario, name, budget)
            value, peer = (beside.median, beside.peer) if beside.ratios else (None, peer)
        if value is None:
            return None
        kept = value >= float(limit) if at_least else value <= float(limit)
        actual = "%.3g" % value
    return (f"{metric} {actual} {'>=' if at_least else '<='} {limit}{'' if peer == '-' else ' x ' + peer}: "
            f"{'kept' if kept else 'MISSED'}")


def row(name, runs, reference):
    cpu = runs.values("cpu_ns_per_op") or [0]
    spread = "%.4g .. %.4g" % (min(cpu), max(cpu))
    text = "  %-25s %10.4g %8.2g %21s %7.3f" % (
        name, number(runs.median("cpu_ns_per_op")), number(runs.deviation("cpu_ns_per_op")), spread,
        number(runs.ratio(reference, "cpu_ns_per_op")))
    text += " %12.0f %7.3f %9.3f" % (
        number(runs.median("ops_per_s")), number(runs.ratio(reference, "ops_per_s")), number(runs.median("allocs_per_op")))
    if runs.median("sleeps_per_op") is not None:
        text += "  sleeps %.2f, interrupts %.2f, busy %.2f, load busy %.2f" % tuple(
            number(runs.median(key)) for key in ("sleeps_per_op", "interrupts_per_op", "server_busy", "client_busy"))
    if runs.median("p99_us") is not None:
        text += "  p50 %.0f, p90 %.0f, p99 %.0f us, ratio of p99 %.3f" % (
            *(number(runs.median(key)) for key in ("p50_us", "p90_us", "p99_us")), number(runs.ratio(reference, "p99_us")))
    if runs.median("wake_ns") is not None:
        text += "  wake %.0f +- %.0f ns, ratio %.3f, of it in the waker %.0f ns" % (
            runs.median("wake_ns"), runs.deviation("wake_ns"), number(runs.ratio(reference, "wake_ns")),
            number(runs.median("issue_ns")))
    return text


def suite(budget_path, path):
    budgets = budgets_of(budget_path)
    for title, scenario in scenarios_of(path).items():
        reference_name = next(iter(scenario.contenders), "")
        reference = scenario.peer(reference_name)
        print(f"\n{title} (ratios to {reference_name})")
        print("  %-25s %10s %8s %21s %7s %12s %7s %9s" %
              ("", "CPU ns/op", "+-", "min .. max", "ratio", "ops/s", "ratio", "allocs/op"))
        for name, runs in scenario.contenders.items():
            print(row(name, runs, reference))
        for name in scenario.contenders:
            verdicts = [verdict(scenario, name, budget) for budget in budgets if budget.holds_for(title, name)]
            if any(verdicts):
                print(f"  budget, {name}: {'; '.join(v for v in verdicts if v)}")
        for text in scenario.missing:
            print(f"  not here, {text}")


# ---- table ----

def is_compared(budget):
    """Promises of allocations and of absolute figures have no spread that would say anything."""
    return bool(budget.peers) and budget.metric != "allocs"


def needed(budget_path, scenario):
    lines = [line for line in sys.stdin.read().splitlines() if line]
    names = [line.split("|")[0] for line in lines]
    wanted = set()
    for budget in budgets_of(budget_path):
        ours = [name for name in names if budget.holds_for(scenario, name)]
        wanted.update(ours)
        if ours:
            wanted.update(budget.peers)
    print("\n".join(line for line in lines if line.split("|")[0] in wanted))


def table_row(title, name, budget, beside):
    low, high = beside.quartiles
    return "  %-28s %-23s %-4s %10.4g %10.4g %-29s %6.3f  %5.3f .. %5.3f %s %-4s %s" % (
        title, name, budget.metric, beside.ours, beside.theirs, beside.peer, beside.median, low, high,
        ">=" if beside.at_least else "<=", budget.limit, beside.verdict())


def table(budget_path, *paths):
    scenarios = {}
    for path in paths:
        scenarios.update(scenarios_of(path))
    counts = defaultdict(int)
    others = []
    heading = None
    print("  %-28s %-23s %-4s %10s %10s %-29s %6s  %14s %-7s %s" %
          ("", "", "", "ours", "theirs", "the better peer", "ratio", "its quartiles", "limit", ""))
    for budget in budgets_of(budget_path):
        found = [(title, name) for title, scenario in scenarios.items() for name in scenario.contenders
                 if budget.holds_for(title, name)]
        rows = []
        for title, name in found:
            if not is_compared(budget):
                others.append((title, name, verdict(scenarios[title], name, budget)))
                continue
            beside = Comparison(scenarios[title], name, budget)
            if beside.ratios:
                counts[beside.verdict()] += 1
                rows.append(table_row(title, name, budget, beside))
        if rows and budget.heading != heading:
            heading = budget.heading
            print(f"\n{heading}")
        for text in rows:
            print(text)
    print("\n%d kept, %d lost, %d within the noise: the limit lies between the quartiles of the ratios" %
          (counts["kept"], counts["LOST"], counts["noise"]))
    broken = [(title, name, text) for title, name, text in others if text and text.endswith("MISSED")]
    print("Promises of allocations and absolute figures: %d kept, %d not" % (len(others) - len(broken), len(broken)))
    for title, name, text in broken:
        print(f"  {title}, {name}: {text}")
    for title, scenario in scenarios.items():
        for text in dict.fromkeys(scenario.missing):
            print(f"Not here, {title}, {text}")


# ---- small ----

def small(path, unit, title):
    notes = []
    for scenario_name, scenario in scenarios_of(path).items():
        heading = scenario_name.replace("_", " ").replace("O DIRECT", "O_DIRECT")
        print("\n%-28s %12s %14s" % (heading, unit + "s/s", "CPU us/" + unit))
        for name, runs in scenario.contenders.items():
            print("  %-26s %12.0f %14.2f" % (name, number(runs.median("ops_per_s")), number(runs.median("cpu_ns_per_op")) / 1000))
        notes += [f"Not here, {scenario_name}: {text}" for text in scenario.missing]
    print(f"\n{title}")
    print("System calls are slow in a virtual machine, so batching them looks better there than on metal.")
    for note in notes:
        print(note)


# ---- storage ----

def by_depth(path, gate):
    """Runs by their depth, or by the name of the gate; each run is a round of its own."""
    found = defaultdict(Runs)
    for record in records(path):
        runs = found[gate if record["adaptive"] != "0" else record["depth"]]
        runs.rounds[len(runs.rounds)] = record
    return found


def sweep(path):
    print("%-9s %9s %9s %12s" % ("depth", "IOPS", "P99 us", "in flight"))
    for depth, runs in by_depth(path, "adaptive").items():
        print("%-9s %9d %9d %12d" % (depth, runs.median("iops"), runs.median("device_p99_us"), runs.median("limit")))


def gate(path):
    print("IOPS of the last 2 s of 8, a column for each round")
    for depth, runs in by_depth(path, "gate").items():
        rates = "".join(" %8d" % v for v in runs.values("iops"))
        print("%-6s%s   in flight%s" % (depth, rates, "".join(" %4d" % v for v in runs.values("limit"))))


def thirds(path):
    parts = [Runs(), Runs(), Runs()]
    for record in records(path):
        if "at_ms" in record:
            part = parts[min(int(record["at_ms"]) // 10000, 2)]
            part.rounds[len(part.rounds)] = record
    for i, part in enumerate(parts):
        if part.rounds:
            mean = [statistics.fmean(part.values(key)) for key in ("iops", "device_p99_us", "limit")]
            print("  %2d to %2d s: %7d IOPS, P99 %6d us, limit %4d" % (i * 10, i * 10 + 10, *mean))


TABLES = {"suite": suite, "table": table, "needed": needed, "small": small, "sweep": sweep, "gate": gate, "thirds": thirds}

if __name__ == "__main__":
    TABLES[sys.argv[1]](*sys.argv[2:])
