"""Assay: an answer gateway that proves what it serves. Its library, and a client of its HTTP interface.

The rooms are modules: assay.text, .claims, .corpus, .embed, .vector, .cache, .consensus, .experiments, .tuner and
.crypto. Each runs in C++ where the extension module is there, else in pure Python (assay.reference) as far as there is
a twin; assay.backend() says which, and why.
"""

from assay import cache, claims, consensus, corpus, crypto, embed, errors, experiments, text, tuner, vector
from assay._backend import Backend, backend
from assay.claims import SharedClient
from assay.client import AsyncClient, Client
from assay.errors import (
    AlreadyExists,
    DataLoss,
    DeadlineExceeded,
    Error,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    NotFound,
    NoTwin,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from assay.models import cross_encoder, default_encoder, transformer_encoder

__version__ = "0.1.0"
__all__ = [
    "AlreadyExists", "AsyncClient", "Backend", "Client", "DataLoss", "DeadlineExceeded", "Error", "FailedPrecondition",
    "Internal", "InvalidArgument", "NoTwin", "NotFound", "OutOfRange", "PermissionDenied", "ResourceExhausted",
    "SharedClient", "Unauthenticated", "Unavailable", "backend", "cache", "claims", "consensus", "corpus",
    "cross_encoder", "crypto", "default_encoder", "embed", "errors", "experiments", "text", "transformer_encoder", "tuner", "vector",
]  # fmt: skip
