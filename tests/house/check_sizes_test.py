"""check_sizes.py finds what is too large, and nothing else."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import check_sizes  # noqa: E402


class CheckSizes(unittest.TestCase):
    def breaches(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return check_sizes.breaches(root)

    def test_functions_are_measured_from_head_to_brace(self):
        code = ('namespace a {\n#define X {\nint f(int x,\n      int y) {\n  if (x) {\n  }\n  auto c = "}{";\n'
                "  auto r = R\"x(}}})x\"; char q = '{';\n  return 1'000;\n}\n"
                "struct S {\n  void g() const { }\n  int z{1};\n};\n}  // namespace a {\n")
        self.assertEqual([(first, lines) for first, lines, _ in check_sizes.functions(code)], [(3, 8), (12, 1)])

    def test_long_things_are_named(self):
        body = "  ++x;\n" * 99
        found = self.breaches({
            "src/a/long.cc": "int x;\n" * 601,
            "src/a/fits.cc": "int x;\n" * 600,
            "src/a/include/assay/a/long.h": "int x;\n" * 251,
            "src/a/word_table_internal.h": "int x;\n" * 600,
            "src/a/function.cc": f"void F() {{\n{body}}}\n",
            "src/a/just.cc": "void F() {\n" + "  ++x;\n" * 98 + "}\n",
            "src/a/gen/table.cc": "int x;\n" * 5000,
        })
        self.assertEqual(len(found), 3, found)
        self.assertTrue(found[0].startswith("src/a/function.cc:1: function of 101 lines"), found)
        self.assertTrue(found[1].startswith("src/a/include/assay/a/long.h: 251 lines"), found)
        self.assertTrue(found[2].startswith("src/a/long.cc: 601 lines"), found)

    def test_full_folders_are_named(self):
        files = {f"src/a/f{i}.cc": "\n" for i in range(16)}
        files.update({f"src/b/f{i}.cc": "\n" for i in range(15)})
        files.update({f"src/b/f{i}_test.cc": "\n" for i in range(15)})
        files.update({f"src/a/include/assay/a/h{i}.h": "\n" for i in range(9)})
        found = self.breaches(files)
        self.assertEqual(len(found), 2, found)

    def test_the_tree_keeps_the_limits(self):
        self.assertEqual(check_sizes.breaches(ROOT), [])


if __name__ == "__main__":
    unittest.main()
