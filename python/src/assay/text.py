"""Similarity of texts; quantities, names, sentences and words. docs/python.md lists what has a pure Python twin."""

from typing import TYPE_CHECKING

from assay import _backend

__all__ = [
    "Name", "Quantity", "compare_quantities", "cosine_matrix", "fold_case", "jaccard_matrix", "lcs_length",
    "levenshtein", "names", "quantities", "same_name", "sentences", "similarity", "similarity_matrix",
    "similarity_row", "words",
]

if TYPE_CHECKING:
    from assay._native.text import (
        Name as Name, Quantity as Quantity, compare_quantities as compare_quantities, cosine_matrix as
        cosine_matrix, fold_case as fold_case, jaccard_matrix as jaccard_matrix, lcs_length as lcs_length,
        levenshtein as levenshtein, names as names, quantities as quantities, same_name as same_name,
        sentences as sentences, similarity as similarity, similarity_matrix as similarity_matrix,
        similarity_row as similarity_row, words as words,
    )
else:
    _backend.export("text", globals(), __all__)
