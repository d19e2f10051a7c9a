"""The committed files of web/dist are what web/ builds. Skipped where npm or its packages are absent."""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

WEB = Path(__file__).resolve().parents[2] / "web"


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


class DashboardBuildTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        if shutil.which("npm") is None:
            raise unittest.SkipTest("npm is not installed; the committed files are used as they are")
        stamp = WEB / "node_modules" / ".package-lock.json"
        if not stamp.exists() or stamp.stat().st_mtime < (WEB / "package-lock.json").stat().st_mtime:
            done = subprocess.run(
                ["npm", "install", "--no-save", "--no-audit", "--no-fund"], cwd=WEB, capture_output=True, text=True, timeout=300
            )
            if done.returncode != 0:
                raise unittest.SkipTest(f"npm cannot fetch the packages: {done.stderr[-300:]}")

    def run_npm(self, *arguments: str) -> None:
        done = subprocess.run(["npm", "run", *arguments], cwd=WEB, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_types_and_style_are_clean(self) -> None:
        self.run_npm("check")

    def test_building_again_gives_the_committed_files(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            built = Path(folder) / "dist"
            self.run_npm("build", "--", "--outDir", str(built), "--emptyOutDir")
            self.assertEqual(files(built), files(WEB / "dist"))
            for name in files(built):
                self.assertTrue(filecmp.cmp(built / name, WEB / "dist" / name, shallow=False), f"{name} is stale")

    def test_nothing_is_asked_of_other_hosts(self) -> None:
        for name in ("index.html", "assets/app.css"):
            text = (WEB / "dist" / name).read_text()
            self.assertNotIn("http://", text, name)
            self.assertNotIn("https://", text, name)


if __name__ == "__main__":
    unittest.main()
