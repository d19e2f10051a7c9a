"""Nearest rows, codes, indexes and stores of vectors. docs/python.md lists what has a pure Python twin."""

from typing import TYPE_CHECKING

from assay import _backend

__all__ = [
    "Index", "IndexStats", "NO_ROW", "RabitqCodes", "VectorStore", "decode_floats", "encode_floats",
    "most_similar_rows", "precision_of", "quantize_rows", "similarity_matrix", "top_k", "top_k_int8",
]

if TYPE_CHECKING:
    from assay._native.vector import (
        Index as Index, IndexStats as IndexStats, NO_ROW as NO_ROW, RabitqCodes as RabitqCodes, VectorStore as
        VectorStore, decode_floats as decode_floats, encode_floats as encode_floats, most_similar_rows as
        most_similar_rows, precision_of as precision_of, quantize_rows as quantize_rows, similarity_matrix as
        similarity_matrix, top_k as top_k, top_k_int8 as top_k_int8,
    )
else:
    _backend.export("vector", globals(), __all__)
