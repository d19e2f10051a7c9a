"""A graph of a few nodes as an ONNX file, written byte by byte: the messages of onnx.proto that it takes, without the package.

What it computes, `outputs` computes with NumPy: tanh of word and segment vectors, their mean, and a product for each head.
"""

import numpy as np

WIDTH = 16
FLOAT, INT64 = 1, 7  # TensorProto.DataType


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number, value):
    """An int as a varint, text, or the bytes of a message."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _tensor(name, values):
    kind = INT64 if values.dtype == np.int64 else FLOAT
    dims = b"".join(_field(1, size) for size in values.shape)
    return dims + _field(2, kind) + _field(8, name) + _field(9, values.tobytes())


def _value(name, kind, *dims):
    shape = b"".join(_field(1, _field(2, dim) if isinstance(dim, str) else _field(1, dim)) for dim in dims)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, shape)))


def _node(operator, inputs, output, **attributes):
    own = b"".join(_field(5, _field(1, name) + _field(3, value) + _field(20, 2)) for name, value in attributes.items())
    return b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, operator) + own


def weights(vocabulary, seed=11):
    generator = np.random.default_rng(seed)
    shapes = {"table": (vocabulary, WIDTH), "segments": (2, WIDTH), "relation": (WIDTH, 3), "word": (WIDTH, 1), "pair": (WIDTH, 1)}
    return {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def model(own):
    """The bytes of a ModelProto with `own` weights."""
    axes = {f"axis{i}": np.array([i], np.int64) for i in range(3)}
    nodes = [
        _node("Gather", ["table", "input_ids"], "words_of"), _node("Gather", ["segments", "token_type_ids"], "segments_of"),
        _node("Add", ["words_of", "segments_of"], "sum"), _node("Tanh", ["sum"], "x"),
        _node("Cast", ["attention_mask"], "kept", to=FLOAT), _node("Unsqueeze", ["kept", "axis2"], "keep"),
        _node("Mul", ["x", "keep"], "kept_x"), _node("ReduceSum", ["kept_x", "axis1"], "total", keepdims=0),
        _node("ReduceSum", ["keep", "axis1"], "count", keepdims=0), _node("Div", ["total", "count"], "mean"),
        _node("MatMul", ["mean", "relation"], "logits"), _node("MatMul", ["mean", "pair"], "same"),
        _node("Unsqueeze", ["mean", "axis1"], "around"), _node("Mul", ["x", "around"], "mixed"),
        _node("MatMul", ["mixed", "word"], "column"), _node("Squeeze", ["column", "axis2"], "unsupported"),
    ]  # fmt: skip
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, "tiny")
    graph += b"".join(_field(5, _tensor(name, values)) for name, values in {**own, **axes}.items())
    inputs = ("input_ids", "attention_mask", "token_type_ids")
    graph += b"".join(_field(11, _value(name, INT64, "batch", "length")) for name in inputs)
    outputs = (("logits", 3), ("same", 1), ("unsupported", "length"))
    graph += b"".join(_field(12, _value(name, FLOAT, "batch", columns)) for name, columns in outputs)
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 13))  # ir_version 8, opset 13


def outputs(own, ids, types):
    """What the graph gives for one row without padding: relation [3], tokens [length], pair [1]."""
    x = np.tanh(own["table"][ids] + own["segments"][types])
    mean = x.mean(axis=0)
    return {"relation": mean @ own["relation"], "tokens": (x * mean @ own["word"])[:, 0], "pair": mean @ own["pair"]}
