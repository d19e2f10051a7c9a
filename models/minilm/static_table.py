"""Distils a static token table from the transformer: one vector per vocabulary entry, no context.

Each token goes through the network alone, as [CLS] token [SEP]; what the network writes at [CLS] is the
token's vector (it orders sentence pairs better than the mean over the three places: see models/minilm/README.md).
The vectors are centred, reduced to 256 dimensions by PCA, and weighted by a / (a + p(token)), the smooth inverse
frequency of Arora et al. (2017), with p from Zipf's law over the vocabulary's order, which is by frequency.
"""

import struct

import numpy as np
import openvino as ov

import graph

DIM = 256
SIF_A = 1e-4  # Arora et al. found 1e-3 to 1e-4 best on all their sets
CLS, SEP = 101, 102
BATCH = 512

MAGIC = b"ASYTOKTB"
FORMAT_VERSION = 1
BYTE_ORDER = 0x01020304
HEADER = struct.Struct("<8sIIIIQQ24x")  # magic, version, byte order, rows, dim, offsets of scales and values


def encode_tokens(weights, say):
    model = graph.build_hidden(weights)
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    rows = weights["embeddings.word_embeddings.weight"].shape[0]
    vectors = np.empty((rows, graph.WIDTH), np.float32)
    for begin in range(0, rows, BATCH):
        end = min(begin + BATCH, rows)
        ids = np.full((end - begin, 3), CLS, np.int32)
        ids[:, 1] = np.arange(begin, end)
        ids[:, 2] = SEP
        vectors[begin:end] = compiled([ids, np.ones(ids.shape, np.float32)])[0][:, 0]
        if begin // BATCH % 20 == 0:
            say(f"distilling the static table: {begin} of {rows} tokens")
    return vectors


def reduce_and_weight(vectors):
    """float64 [rows, DIM]: PCA by the covariance's eigenvectors, then frequency weights."""
    centred = vectors.astype(np.float64)
    centred -= centred.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :DIM]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(DIM)])  # eigenvectors have no sign of their own
    rank = np.arange(1, len(vectors) + 1)
    probability = (1 / rank) / (1 / rank).sum()
    return (centred @ axes) * (SIF_A / (SIF_A + probability))[:, None]


def write(weights, path, say):
    table = reduce_and_weight(encode_tokens(weights, say))
    table /= np.sqrt((table**2).sum(axis=1).mean())  # lengths near 1: sums stay in float's best range
    scales = np.abs(table).max(axis=1) / 127
    values = np.rint(table / scales[:, None]).astype(np.int8)
    scales_offset = HEADER.size
    values_offset = (scales_offset + 4 * len(scales) + 63) // 64 * 64  # rows start on cache lines
    with open(path, "wb") as stream:
        stream.write(HEADER.pack(MAGIC, FORMAT_VERSION, BYTE_ORDER, len(scales), DIM, scales_offset, values_offset))
        stream.write(scales.astype("<f4").tobytes())
        stream.write(bytes(values_offset - stream.tell()))
        stream.write(values.tobytes())
