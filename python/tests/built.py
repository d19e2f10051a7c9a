"""Where the package of the build tree is, for the tests of this folder."""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGE = pathlib.Path(os.environ.get("ASSAY_PYTHON_BUILD", ROOT / "build/release/python"))


def environment(**more):
    """The environment of a process that imports that package."""
    if not (PACKAGE / "assay").is_dir():
        sys.exit(f"{PACKAGE}/assay is not there: build the preset release first (scripts/test.sh does)")
    return {**os.environ, "PYTHONPATH": str(PACKAGE), "ASSAY_MODELS": str(ROOT / ".models"), **more}
