#!/usr/bin/env python3
# report_test.py SOURCE_DIR: what benchmark/report.py computes, of results whose figures are known.
import io
import os
import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(sys.argv.pop(1)) / "benchmark"))
sys.dont_write_bytecode = True
import report


def lines(scenario, name, key, values):
    return [f"round={i + 1} scenario={scenario} name={name} {key}={v}" for i, v in enumerate(values)]


class ReportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as out:
            out.write("\n".join(text) + "\n")
        return path

    def compare(self, budget, *results):
        scenario = report.scenarios_of(self.file("results", sum(results, [])))["s"]
        return report.Comparison(scenario, "ours", report.Budget(budget, ""))

    def table(self, budgets, *results):
        out = io.StringIO()
        with redirect_stdout(out):
            report.table(self.file("budgets", budgets), self.file("results", sum(results, [])))
        return out.getvalue()

    def test_ratios_are_of_the_same_round(self):
        # One slow minute, in which both are slow: by medians the ratio would be 1.
        beside = self.compare("s ours cpu 1.05 raw", lines("s", "ours", "cpu_ns_per_op", [110, 1100, 110]),
                              lines("s", "raw", "cpu_ns_per_op", [100, 1000, 100]))
        for ratio in beside.ratios:
            self.assertAlmostEqual(ratio, 1.1)

    def test_rounds_that_one_of_them_lacks_do_not_count(self):
        beside = self.compare("s ours cpu 1.05 raw", lines("s", "ours", "cpu_ns_per_op", [100, 300]),
                              lines("s", "raw", "cpu_ns_per_op", [100]))
        self.assertEqual(beside.ratios, [1.0])

    def test_quartiles_from_four_rounds_on(self):
        five = self.compare("s ours cpu 9 raw", lines("s", "ours", "cpu_ns_per_op", [5, 1, 4, 2, 3]),
                            lines("s", "raw", "cpu_ns_per_op", [1] * 5))
        self.assertEqual((five.median, five.quartiles), (3, (2, 4)))
        three = self.compare("s ours cpu 9 raw", lines("s", "ours", "cpu_ns_per_op", [3, 1, 2]),
                             lines("s", "raw", "cpu_ns_per_op", [1] * 3))
        self.assertEqual((three.median, three.quartiles), (2, (1, 3)))

    def test_the_better_peer_counts(self):
        ours = [lines("s", "ours", "cpu_ns_per_op", [100] * 3), lines("s", "ours", "ops_per_s", [100] * 3)]
        cpu = self.compare("s ours cpu 1.05 dear,cheap,absent", lines("s", "ours", "cpu_ns_per_op", [100] * 3),
                           lines("s", "dear", "cpu_ns_per_op", [200] * 3), lines("s", "cheap", "cpu_ns_per_op", [80] * 3))
        self.assertEqual((cpu.peer, cpu.median, cpu.theirs), ("cheap", 1.25, 80))
        rate = self.compare("s ours rate 0.95 fast,slow", ours[1], lines("s", "fast", "ops_per_s", [125] * 3),
                            lines("s", "slow", "ops_per_s", [50] * 3))
        self.assertEqual((rate.peer, rate.median), ("fast", 0.8))

    def verdict(self, metric, limit, ratios):
        key = report.METRICS[metric]
        return self.compare(f"s ours {metric} {limit} raw", lines("s", "ours", key, ratios),
                            lines("s", "raw", key, [1] * len(ratios))).verdict()

    def test_verdicts(self):
        self.assertEqual(self.verdict("cpu", 1.05, [1.0, 1.01, 1.02, 1.03, 1.04]), "kept")
        self.assertEqual(self.verdict("cpu", 1.05, [1.06, 1.07, 1.08, 1.09, 1.1]), "LOST")
        self.assertEqual(self.verdict("cpu", 1.05, [0.9, 1.04, 1.06, 1.07, 1.2]), "noise")
        self.assertEqual(self.verdict("rate", 0.95, [0.96, 0.97, 0.98, 0.99, 1.0]), "kept")
        self.assertEqual(self.verdict("rate", 0.95, [0.8, 0.81, 0.82, 0.83, 0.84]), "LOST")
        # The bytes of a program have no spread; the limit itself is kept.
        self.assertEqual(self.verdict("size", 1.05, [1.05]), "kept")
        self.assertEqual(self.verdict("size", 1.05, [3]), "LOST")

    def test_only_outliers_beyond_the_limit_are_no_noise(self):
        self.assertEqual(self.verdict("cpu", 1.05, [1.0, 1.0, 1.0, 1.0, 5.0]), "kept")

    def test_table(self):
        text = self.table(["# comment", "## 1 first", "a/.* ours cpu 1.05 raw,asio", "## 2 second", "b ours rate 0.95 raw",
                           "## 3 absent", "c ours cpu 1 raw", "## before", "b ours allocs 0 -", "a/1 ours allocs 0 -"],
                          lines("a/1", "raw", "cpu_ns_per_op", [100] * 5), lines("a/1", "ours", "cpu_ns_per_op", [120] * 5),
                          lines("b", "raw", "ops_per_s", [100] * 5),
                          [f"round={i} scenario=b name=ours ops_per_s=99 allocs_per_op=2" for i in range(1, 6)],
                          ["missing scenario=c name=ours: needs what is not here"])
        self.assertLess(text.index("1 first"), text.index("2 second"))
        self.assertNotIn("3 absent", text)
        self.assertRegex(text, r"a/1 +ours +cpu +120 +100 +raw +1\.200 +1\.200 \.\. 1\.200 <= 1\.05 +LOST")
        self.assertRegex(text, r"b +ours +rate +99 +100 +raw +0\.990 +0\.990 \.\. 0\.990 >= 0\.95 +kept")
        self.assertIn("1 kept, 1 lost, 0 within the noise", text)
        self.assertIn("absolute figures: 1 kept, 1 not", text)
        self.assertIn("b, ours: allocs 2.000 <= 0: MISSED", text)
        self.assertIn("Not here, c, ours: needs what is not here", text)

    def test_contenders_that_are_needed(self):
        budgets = self.file("budgets", ["a/.* ours cpu 1.05 raw,asio", "a/1 other rate 1 slow", "b ours cpu 1 third"])
        offered = "raw|raw_program x=1\nours|our_program\nslow|slow_program\nthird|third_program\n"
        out = io.StringIO()
        with redirect_stdout(out), mock.patch("sys.stdin", io.StringIO(offered)):
            report.needed(budgets, "a/1")
        self.assertEqual(out.getvalue(), "raw|raw_program x=1\nours|our_program\n")

    def test_every_budget_can_be_read(self):
        for budget in report.budgets_of(Path(report.__file__).with_name("budgets")):
            self.assertIn(budget.metric, report.METRICS)
            float(budget.limit)
            self.assertTrue(budget.peers or budget.metric in ("allocs", "ns_cpu"), budget.where)


if __name__ == "__main__":
    unittest.main()
