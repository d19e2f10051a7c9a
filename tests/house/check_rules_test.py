"""check_rules.py finds throws, prints, exits and environment reads in library rooms, and only there."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import check_rules  # noqa: E402


class CheckRules(unittest.TestCase):
    def breaches(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")
            return check_rules.breaches(pathlib.Path(folder))

    def test_each_rule_has_its_breach(self):
        for rule, code in {
            "throws": 'throw 1;',
            "prints": 'std::cout << 1;',
            "reads the environment": 'auto* p = std::getenv("HOME");',
            "exits": 'std::exit(1);',
        }.items():
            found = self.breaches("src/text/a.cc", f"int x;\nvoid F() {{ {code} }}\n")
            self.assertEqual(len(found), 1, (code, found))
            self.assertTrue(found[0].startswith(f"src/text/a.cc:2: {rule}"), found)

    def test_words_in_comments_strings_and_longer_names_are_fine(self):
        code = '// throw printf(\nauto s = "throw std::cout getenv(";\nvoid at_exit(); int snprintf(char*);\n'
        self.assertEqual(self.breaches("src/text/a.cc", code), [])

    def test_apps_may_print_but_not_throw(self):
        self.assertEqual(self.breaches("src/cli/a.cc", "std::cout << 1; exit(1);"), [])
        self.assertEqual(len(self.breaches("src/cli/a.cc", "throw 1;")), 1)

    def test_the_tree_keeps_the_rules(self):
        self.assertEqual(check_rules.breaches(ROOT), [])


if __name__ == "__main__":
    unittest.main()
