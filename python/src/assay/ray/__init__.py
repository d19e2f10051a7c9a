"""Batches over many processes and machines, on Ray Data: `pip install 'assay[ray]'`.

`check` judges answers, `embed` turns texts into a Lance table, `evaluate_cache` replays traces through caches. Workers are
actors that hold the native engine. What a job has finished is committed block by block under the hash of each row's
content: a job that was stopped goes on, and no row is computed into the output twice. `python -m assay.ray --help` is the
same on the command line.
"""

from assay.ray._engines import Checker, Embedder
from assay.ray._input import Row, read_rows
from assay.ray._jobs import check, embed, evaluate_cache
from assay.ray._output import results
from assay.ray._run import Report

__all__ = ["Checker", "Embedder", "Report", "Row", "check", "embed", "evaluate_cache", "read_rows", "results"]
