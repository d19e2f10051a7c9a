"""The tables of scripts/bench.sh say what was measured, and what was not."""
import copy
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import bench_report  # noqa: E402
import bench_run  # noqa: E402

SPOT = "text/pattern_set/"
RECORDED = {
    "format": 1, "date": "2026-11-21 15:02 UTC", "commit": "0123456789ab", "dirty": False, "quick": False, "rounds": 3,
    "command": "scripts/bench.sh", "groups": ["text", "corpus", "cli"], "compiler": "g++ 12.2.0", "flags": "-O3",
    "machine": {"cpu": "Some CPU", "cores": 2, "memory_gib": 23, "simd": "AVX3", "load_before": 0.1, "cpu_share": 0.99},
    "peers": {"Vectorscan": "5.4.8", "RE2": "20220601"}, "data": "a folder", "failed": [],
    "series": {
        SPOT + "batch/assay": {"unit": "s", "runs": [39e-9, 38e-9, 41e-9]},
        SPOT + "batch/vectorscan": {"unit": "s", "runs": [97e-9, 100e-9, 97.5e-9]},
        SPOT + "single/assay": {"unit": "s", "runs": [150e-9, 150e-9, 150e-9]},
        SPOT + "single/vectorscan": {"unit": "s", "runs": [225e-9, 225e-9, 225e-9]},
        "corpus/bm25/assay": {"unit": "1/s", "runs": [15000, 15000, 15000]},
        "corpus/bm25/bm25s": {"unit": "1/s", "runs": [10000, 10000, 10000]},
        "cli/check/wall": {"unit": "s", "runs": [0.0301, 0.0299, 0.0305]},
        "cli/check/peak": {"unit": "B", "runs": [50 << 20]},
    },
    "missing": {"corpus/bm25/tantivy": "peer not installed", "text/wordpiece": "needs ASSAY_DATA"},
}


def row(ours, peer):
    return next(r for r in bench_report.ROWS if r.ours == ours and r.peer == peer)


def line(ours, peer="", results=RECORDED):
    return bench_report.line_of(row(ours, peer), results)


class Values(unittest.TestCase):
    def test_values_have_three_digits_and_a_fitting_unit(self):
        cases = {("s", 3.84e-8): "38.4 ns", ("s", 9.996e-6): "10.0 us", ("s", 0.0996): "99.6 ms", ("s", 1.5): "1.50 s",
                 ("s", 0.0): "0.00 ns", ("B", 50 << 20): "50.0 MiB", ("B/s", 1.6e10): "16.0 GB/s",
                 ("1/s", 17735.4): "17,735/s", ("s", 9.99e-4): "999 us"}
        for (unit, value), text in cases.items():
            self.assertEqual(bench_report.show(value, unit), text)

    def test_spread_is_half_the_range_over_the_median(self):
        self.assertAlmostEqual(bench_report.spread([9, 10, 12]), 0.15)


class Lines(unittest.TestCase):
    def test_times_and_rates_both_give_a_ratio_above_one_where_we_are_faster(self):
        spotting = line(SPOT + "batch/assay", SPOT + "batch/vectorscan")
        self.assertEqual((spotting.ours, spotting.ratio), ("39.0 ns ±4%", "2.50"))
        self.assertEqual(spotting.peer, "Vectorscan, block mode, one buffer: 97.5 ns ±2%")
        self.assertEqual(line("corpus/bm25/assay", "corpus/bm25/bm25s").ratio, "1.50")

    def test_of_sides_that_run_one_after_the_other_each_round_has_its_ratio(self):
        results = copy.deepcopy(RECORDED)
        results["series"]["gateway/rate/assay_hit/16"] = {"unit": "1/s", "runs": [90, 45, 180]}
        results["series"]["gateway/rate/static/16"] = {"unit": "1/s", "runs": [100, 50, 100]}
        self.assertEqual(line("gateway/rate/assay_hit/16", "gateway/rate/static/16", results).ratio, "0.90")
        results["series"]["gateway/rate/static/16"]["runs"] = [100, 60]  # not of the same rounds
        self.assertEqual(line("gateway/rate/assay_hit/16", "gateway/rate/static/16", results).ratio, "1.12")

    def test_a_bound_in_time_is_met_or_missed_by_our_median_alone(self):
        self.assertIs(line(SPOT + "batch/assay", SPOT + "batch/vectorscan").met, True)
        missed = line(SPOT + "single/assay", SPOT + "single/vectorscan")
        self.assertIs(missed.met, False)
        self.assertAlmostEqual(missed.short_by, 0.25)

    def test_a_bound_in_times_as_fast_is_judged_by_the_ratio(self):
        missed = line("corpus/bm25/assay", "corpus/bm25/bm25s")
        self.assertIs(missed.met, False)
        self.assertAlmostEqual(missed.short_by, 0.25)
        results = copy.deepcopy(RECORDED)
        results["series"]["corpus/bm25/assay"]["runs"] = [20000]
        self.assertIs(line("corpus/bm25/assay", "corpus/bm25/bm25s", results).met, True)

    def test_a_missing_peer_is_named_and_neither_met_nor_missed(self):
        found = line("corpus/bm25/assay", "corpus/bm25/tantivy")
        self.assertEqual((found.peer, found.ratio, found.met), ("tantivy: peer not installed", "-", None))

    def test_a_bound_in_time_is_judged_without_its_peer(self):
        results = copy.deepcopy(RECORDED)
        del results["series"][SPOT + "batch/vectorscan"]
        self.assertIs(line(SPOT + "batch/assay", SPOT + "batch/vectorscan", results).met, True)

    def test_missing_data_is_said_for_every_row_below_the_prefix(self):
        found = line("text/wordpiece/sentences/assay", "text/wordpiece/sentences/encode_batch_fast")
        self.assertEqual((found.ours, found.met), ("needs ASSAY_DATA", None))

    def test_only_the_groups_that_ran_are_shown(self):
        whats = [one.what for one in bench_report.lines_of(RECORDED)]
        self.assertIn("WordPiece, a sentence", whats)
        self.assertNotIn("static encoder, a sentence", whats)

    def test_every_row_belongs_to_a_group_that_can_be_run(self):
        for one in bench_report.ROWS:
            self.assertIn(one.group, bench_run.GROUPS, one.what)


class Tables(unittest.TestCase):
    def test_the_terminal_table_ends_with_what_was_missed_and_not_measured(self):
        text = bench_report.terminal_table(RECORDED)
        self.assertRegex(text, r"2 of \d+ targets met")
        self.assertIn("missed: spotting, single calls (1.50; at most 120 ns; by 25%)", text)
        self.assertIn("not measured: WordPiece, a sentence", text)

    def test_markdown_has_one_column_count_and_names_the_circumstances(self):
        text = bench_report.markdown(RECORDED)
        for fact in ("0123456789ab", "Some CPU, 2 cores", "AVX3", "Vectorscan 5.4.8", "`scripts/bench.sh`", "99% of a core"):
            self.assertIn(fact, text)
        main, rest = text.split("Also measured:")
        for part, columns in ((main, 7), (rest, 5)):
            rows = [one for one in part.splitlines() if one.startswith("|")]
            self.assertGreater(len(rows), 2)
            self.assertEqual({one.count("|") for one in rows}, {columns})
        self.assertIn("- BM25 over 100,000 passages, top 10: 1.50 x, target at least 2 x (25% short)", main)

    def test_only_what_stands_between_the_markers_is_replaced(self):
        text = f"head\n{bench_report.BEGIN}\nold\n{bench_report.END}\ntail\n"
        once = bench_report.replace_between_markers(text, "new")
        self.assertEqual(once, f"head\n{bench_report.BEGIN}\nnew\n{bench_report.END}\ntail\n")
        self.assertEqual(bench_report.replace_between_markers(once, "new"), once)
        for broken in ("no markers", bench_report.END + bench_report.BEGIN, text + bench_report.BEGIN):
            with self.assertRaises(ValueError):
                bench_report.replace_between_markers(broken, "new")

    def test_a_section_is_rewritten_only_when_all_its_groups_were_run(self):
        sections = {begin: f"{begin}\nuntouched\n{end}\n" for begin, end, _ in bench_report.SECTIONS}
        text = "".join(sections.values())
        self.assertEqual(bench_report.rewrite_document(text, {**RECORDED, "groups": ["gateway"]}), text)
        _, _, groups = bench_report.SECTIONS[1]
        once = bench_report.rewrite_document(text, {**RECORDED, "groups": list(groups)})
        self.assertTrue(once.startswith(sections[bench_report.BEGIN]))
        self.assertEqual(once.count("untouched"), len(bench_report.SECTIONS) - 1)

    def test_every_group_has_its_section(self):
        self.assertEqual(sorted(group for _, _, groups in bench_report.SECTIONS for group in groups),
                         sorted(bench_run.GROUPS))

    def test_the_document_has_the_markers(self):
        text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
        self.assertIn("| what |", bench_report.replace_between_markers(text, bench_report.markdown(RECORDED)))


class Builds(unittest.TestCase):
    RELEASE = "CMAKE_BUILD_TYPE:STRING=Release\nCMAKE_CXX_FLAGS:STRING=\nCMAKE_CXX_FLAGS_RELEASE:STRING=-O3 -DNDEBUG\nASSAY_SANITIZE:STRING=\n"

    def test_a_release_build_is_measured(self):
        self.assertIsNone(bench_run.check_build(self.RELEASE))

    def test_debug_sanitized_and_unoptimised_builds_are_refused(self):
        for old, new, reason in (("=Release", "=Debug", "Debug"), ("SANITIZE:STRING=", "SANITIZE:STRING=thread", "sanitizers"),
                                 ("FLAGS:STRING=", "FLAGS:STRING=-fsanitize=address", "-fsanitize=address"),
                                 ("-O3", "-O0", "-O0"), ("-O3", "-g", "optimise"), ("-O3", "-O2 --coverage", "--coverage")):
            with self.subTest(new=new):
                self.assertIn(reason, bench_run.check_build(self.RELEASE.replace(old, new)))


if __name__ == "__main__":
    unittest.main()
