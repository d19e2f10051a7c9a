"""API keys, key files and the audit log as the command line shows them."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
ASSAY = os.environ.get("ASSAY_PROGRAM", str(SOURCE / "build" / "release" / "assay"))

EXIT_INVALID = 2
EXIT_NOT_FOUND = 3
EXIT_EXISTS = 4
EXIT_DENIED = 5
EXIT_PRECONDITION = 6
EXIT_DATA_LOSS = 9

TOKEN = re.compile(r"^ask_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}$")


class StateTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.state = self.folder / "state"

    def run_assay(self, *arguments: object, **variables: str) -> subprocess.CompletedProcess:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **variables}
        return subprocess.run(
            [ASSAY, *map(str, arguments)], capture_output=True, text=True, timeout=60, env=environment
        )

    def good(self, *arguments: object, **variables: str) -> str:
        done = self.run_assay(*arguments, **variables)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def bad(self, code: int, *arguments: object, **variables: str) -> str:
        done = self.run_assay(*arguments, **variables)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertTrue(done.stderr.startswith("assay:"), done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def create(self, *more: object) -> str:
        token = self.good("keys", "create", "--state", self.state, "--name", "test", *more).strip()
        self.assertRegex(token, TOKEN)
        return token

    def keys(self, *more: object) -> list[dict]:
        return json.loads(self.good("keys", "list", "--state", self.state, "--json", *more))["keys"]


class KeysTest(StateTest):
    def test_a_key_is_listed_with_all_but_its_token(self) -> None:
        token = self.create(
            "--tenant", "shop", "--scope", "claims,inference", "--expires", "2099-01-31",
            "--requests", 100, "--tokens", 5000, "--cost", "12.5", "--per", "day",
        )
        (key,) = self.keys()
        self.assertEqual(key["id"], token.split("_")[1])
        self.assertEqual(key["name"], "test")
        self.assertEqual(key["tenant"], "shop")
        self.assertEqual(key["scopes"], ["inference", "claims"])
        self.assertEqual(key["status"], "valid")
        self.assertEqual(key["expires_ms"], 4073500800000)
        self.assertEqual(key["period"], "day")
        self.assertEqual(key["limit"], {"requests": 100, "tokens": 5000, "cost_usd": 12.5})
        self.assertEqual(key["used"], {"requests": 0, "tokens": 0, "cost_usd": 0})
        text = self.good("keys", "list", "--state", self.state)
        self.assertIn("0/100 requests, 0/5000 tokens, 0/12.5 USD a day", text)
        secret = token.split("_")[2][:32]
        for file in self.state.iterdir():
            self.assertNotIn(secret.encode(), file.read_bytes(), file)

    def test_create_as_json(self) -> None:
        made = json.loads(self.good("keys", "create", "--name", "x", "--state", self.state, "--json"))
        self.assertEqual(made["token"].split("_")[1], made["id"])

    def test_revoked_keys_are_listed_on_request(self) -> None:
        first, second = self.create(), self.create()
        by_id, by_token = first.split("_")[1], second
        out = self.good("keys", "revoke", by_id, by_token, "--state", self.state)
        self.assertEqual(out.count("revoked"), 2)
        self.assertEqual(self.keys(), [])
        self.assertEqual([key["status"] for key in self.keys("--all")], ["revoked", "revoked"])

    def test_wrong_arguments_are_named(self) -> None:
        for arguments, word in (
            (("--scope", "root"), "root"),
            (("--expires", "tomorrow"), "tomorrow"),
            (("--expires", "2099-02-30"), "2099-02-30"),
            (("--expires", "2001-01-01"), "past"),
            (("--cost", "12,5"), "12,5"),
            (("--cost", "-1"), "-1"),
            (("--per", "week"), "week"),
            (("--tenant", "a\nb"), "tenant"),
        ):
            error = self.bad(EXIT_INVALID, "keys", "create", "--name", "x", "--state", self.state, *arguments)
            self.assertIn(word, error)
        self.assertFalse((self.state / "keys.db").exists() and self.keys("--all"))

    def test_what_is_not_there_is_not_found(self) -> None:
        self.assertIn("assay keys create", self.bad(EXIT_NOT_FOUND, "keys", "list", "--state", self.state))
        self.create()
        self.bad(EXIT_NOT_FOUND, "keys", "revoke", "Ab3dE5f7", "--state", self.state)
        self.bad(EXIT_NOT_FOUND, "keys", "revoke", "nonsense", "--state", self.state)

    def test_the_state_lies_where_the_environment_says(self) -> None:
        self.good("keys", "create", "--name", "x")
        self.assertTrue((self.folder / ".local/state/assay/keys.db").exists())
        self.good("keys", "create", "--name", "x", XDG_STATE_HOME=str(self.folder / "xdg"))
        self.assertTrue((self.folder / "xdg/assay/keys.db").exists())
        self.good("keys", "create", "--name", "x", ASSAY_STATE=str(self.folder / "named"))
        self.assertTrue((self.folder / "named/keys.db").exists())

    def test_nobody_else_can_read_keys(self) -> None:
        self.create()
        self.assertEqual(stat.S_IMODE(self.state.stat().st_mode), 0o700)
        for name in ("keys.db", "secret.keys"):
            self.assertEqual(stat.S_IMODE((self.state / name).stat().st_mode), 0o600, name)
        (self.state / "secret.keys").chmod(0o644)
        error = self.bad(EXIT_PRECONDITION, "keys", "list", "--state", self.state)
        self.assertIn("chmod 600", error)

    def test_a_damaged_store_is_named(self) -> None:
        self.create()
        (self.state / "keys.db").write_bytes(b"no database at all" * 100)
        self.assertIn("keys.db", self.bad(EXIT_DATA_LOSS, "keys", "list", "--state", self.state))

    def test_many_processes_make_keys_at_once(self) -> None:
        command = [ASSAY, "keys", "create", "--name", "x", "--state", str(self.state)]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)]
        for process in running:
            _, error = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, error)
        self.assertEqual(len(self.keys()), 6)
        self.good("audit", "verify", "--state", self.state)

    def test_a_kill_loses_no_key_that_was_shown(self) -> None:
        shown = []
        for _ in range(4):
            process = subprocess.Popen(
                [ASSAY, "keys", "create", "--name", "x", "--state", str(self.state)], stdout=subprocess.PIPE
            )
            shown.append(process.stdout.readline().decode().strip())
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
        self.assertEqual([key["id"] for key in self.keys()], [token.split("_")[1] for token in shown])
        self.good("audit", "verify", "--state", self.state)


class AuditTest(StateTest):
    def verify(self) -> dict:
        done = self.run_assay("audit", "verify", "--state", self.state, "--json")
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, EXIT_DATA_LOSS if report["broken"] else 0)
        return report

    def test_says_who_made_and_revoked_keys(self) -> None:
        key = self.create().split("_")[1]
        self.good("keys", "revoke", key, "--state", self.state)
        lines = self.good("audit", "show", "--state", self.state, "--json").splitlines()
        records = [json.loads(line) for line in lines]
        self.assertEqual([r["action"] for r in records], ["key.create", "key.revoke"])
        self.assertEqual([r["subject"] for r in records], [key, key])
        self.assertTrue(all(r["actor"].startswith("cli:") for r in records))
        last = self.good("audit", "show", "--state", self.state, "--last", 1)
        self.assertIn("key.revoke", last)
        self.assertNotIn("key.create", last)
        self.assertEqual(self.good("audit", "show", "--state", self.state, "--action", "admin."), "")
        self.assertEqual(self.verify()["records"], 2)
        self.assertIn("genuine", self.good("audit", "verify", "--state", self.state))

    def test_names_the_first_broken_record(self) -> None:
        for _ in range(4):
            self.create()
        path = self.state / "audit.log"
        data = bytearray(path.read_bytes())
        place = [m.start() for m in re.finditer(b'"action"', data)][2]
        data[place + 1] ^= 1
        path.write_bytes(data)
        self.assertEqual(self.verify()["broken"], 3)
        done = self.run_assay("audit", "verify", "--state", self.state)
        self.assertEqual(done.returncode, EXIT_DATA_LOSS)
        self.assertIn("record 3", done.stdout)
        # Nothing is done that could not be recorded.
        self.bad(EXIT_DATA_LOSS, "keys", "create", "--name", "x", "--state", self.state)
        with sqlite3.connect(self.state / "keys.db") as database:
            self.assertEqual(database.execute("SELECT count(*) FROM api_key").fetchone(), (4,))

    def test_notices_a_log_that_was_cut_off(self) -> None:
        self.create()
        before = (self.state / "audit.log").read_bytes()
        self.create()
        (self.state / "audit.log").write_bytes(before)
        report = self.verify()
        self.assertEqual(report["broken"], 2)
        self.assertIn("missing", report["reason"])

    def test_what_is_not_there_is_not_found(self) -> None:
        self.bad(EXIT_NOT_FOUND, "audit", "verify", "--state", self.state)
        self.bad(EXIT_NOT_FOUND, "audit", "show", "--state", self.state)


class KeyFileTest(StateTest):
    def test_keys_are_added_and_removed(self) -> None:
        path = self.folder / "cache.keys"
        self.good("keys", "file", "create", path)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.bad(EXIT_EXISTS, "keys", "file", "create", path)
        self.assertEqual(json.loads(self.good("keys", "file", "rotate", path, "--json"))["newest"], 2)
        self.bad(EXIT_PRECONDITION, "keys", "file", "remove", path, 2)
        self.good("keys", "file", "remove", path, 1)
        shown = json.loads(self.good("keys", "file", "show", path, "--json"))
        self.assertEqual([key["id"] for key in shown["keys"]], [2])
        secret = path.read_text().splitlines()[1].split()[-1]
        self.assertNotIn(secret, self.good("keys", "file", "show", path))

    def test_a_passphrase_is_needed_and_must_be_right(self) -> None:
        path, words = self.folder / "cache.keys", self.folder / "words"
        words.write_text("correct horse\n")
        words.chmod(0o600)
        self.good("keys", "file", "create", path, "--passphrase-file", words)
        self.assertIn("argon2id", path.read_text())
        self.bad(EXIT_PRECONDITION, "keys", "file", "show", path)
        self.bad(EXIT_DENIED, "keys", "file", "show", path, ASSAY_KEY_PASSPHRASE="wrong")
        self.good("keys", "file", "show", path, ASSAY_KEY_PASSPHRASE="correct horse")
        words.chmod(0o644)
        self.bad(EXIT_PRECONDITION, "keys", "file", "show", path, "--passphrase-file", words)


class HelpTest(StateTest):
    def test_every_command_has_an_example(self) -> None:
        for command in ("keys", "keys create", "keys list", "keys revoke", "keys file", "keys file create",
                        "keys file rotate", "keys file remove", "keys file show", "audit", "audit verify", "audit show"):
            text = self.good(*command.split(), "--help")
            self.assertIn("Example", text, command)
            self.assertIn(f"assay {command.split()[0]}", text)


if __name__ == "__main__":
    unittest.main()
