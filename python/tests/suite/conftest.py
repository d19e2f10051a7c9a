"""Of the suite that runs with each backend: what needs the extension is left out where it is hidden."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

import assay

ROOT = Path(__file__).resolve().parents[3]
os.environ.setdefault("ASSAY_MODELS", str(ROOT / ".models"))
settings.register_profile("assay", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("assay")


def pytest_collection_modifyitems(items):
    native = assay.backend().name == "native"
    for item in items:
        if item.get_closest_marker("native") and not native:
            item.add_marker(pytest.mark.skip(reason="needs the extension module"))


def pytest_configure(config):
    config.addinivalue_line("markers", "native: needs the extension module")
