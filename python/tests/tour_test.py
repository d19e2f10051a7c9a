#!/usr/bin/env python3
"""examples/tour.ipynb runs from its first cell to its last, and draws its plots."""

import os
import unittest

import built

try:
    import nbclient
    import nbformat
except ImportError:
    nbclient = None


@unittest.skipIf(nbclient is None, "nbclient is not installed")
class Tour(unittest.TestCase):
    def test_every_cell_runs_and_plots_are_drawn(self):
        notebook = nbformat.read(built.ROOT / "examples/tour.ipynb", as_version=4)
        os.environ.update(built.environment(MPLBACKEND="module://matplotlib_inline.backend_inline"))
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        pictures = [one for one in outputs if "image/png" in one.get("data", {})]
        self.assertEqual(len(pictures), 5)
        self.assertIn("contradicted", "".join(one.get("text", "") for one in outputs))


if __name__ == "__main__":
    unittest.main()
