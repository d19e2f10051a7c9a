"""The all-MiniLM-L6-v2 network as an OpenVINO graph, built from its published weights.

BERT (Devlin et al. 2019) with 6 layers, 384 wide, 12 heads, then the mean over the attention mask and
L2 normalisation (Reimers and Gurevych 2019), so that one inference gives finished sentence vectors.
"""

import json
import struct

import numpy as np
import openvino as ov
from openvino import opset13 as op

LAYERS = 6
WIDTH = 384
HEADS = 12
EPSILON = 1e-12  # layer_norm_eps of config.json


def read_safetensors(path):
    """Name -> array of a .safetensors file (8-byte header length, JSON header, raw little-endian data)."""
    dtypes = {"F32": np.float32, "I64": np.int64}
    with open(path, "rb") as stream:
        (header_bytes,) = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(header_bytes))
        data = stream.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], dtypes[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def read_int8_onnx(path, float_weights):
    """Name -> (int8 matrix, float scale per row) for each matrix of a weight-only int8 ONNX export.

    The export's tensor names say nothing, so each quantised matrix is recognised as the float matrix that
    it approximates: exactly one lies within half a quantisation step everywhere.
    """
    candidates = {name: value for name, value in float_weights.items() if value.ndim == 2 and value.dtype == np.float32}
    found = {}
    for node in ov.Core().read_model(path).get_ordered_ops():
        if node.get_type_name() != "Multiply":
            continue
        convert = node.input_value(0).get_node()
        if convert.get_type_name() != "Convert" or convert.input_value(0).get_node().get_type_name() != "Constant":
            continue
        values = convert.input_value(0).get_node().data
        if values.dtype != np.int8:
            continue
        scale = node.input_value(1).get_node().data.astype(np.float32)
        if scale.shape[0] == 1:  # [in, out] with a scale per column: stored transposed
            values, scale = values.T, scale.T
        exact = values * scale
        names = [name for name, value in candidates.items()
                 if value.shape == values.shape and np.all(np.abs(exact - value) <= 0.51 * scale + 1e-7)]
        if len(names) != 1 or names[0] in found:
            raise ValueError(f"{path}: a quantised matrix of shape {values.shape} fits {names}")
        found[names[0]] = (np.ascontiguousarray(values), np.ascontiguousarray(scale))
    return found


class _Builder:
    def __init__(self, weights, quantised):
        self.weights, self.quantised = weights, quantised

    def constant(self, name):
        return op.constant(self.weights[name])

    def matrix(self, *names):
        """The named matrices, stacked by rows; int8 with a scale per row where there is a quantised form."""
        if not all(name in self.quantised for name in names):
            return op.constant(np.concatenate([self.weights[name] for name in names]))
        values = np.concatenate([self.quantised[name][0] for name in names])
        scales = np.concatenate([self.quantised[name][1] for name in names])
        return op.multiply(op.convert(op.constant(values), "f32"), op.constant(scales))

    def linear(self, x, *prefixes):
        bias = np.concatenate([self.weights[prefix + ".bias"] for prefix in prefixes])
        weight = self.matrix(*[prefix + ".weight" for prefix in prefixes])
        return op.add(op.matmul(x, weight, False, True), op.constant(bias))

    def layer_norm(self, x, prefix):
        y = op.mvn(x, op.constant(np.array([-1], np.int64)), True, EPSILON, "inside_sqrt")
        return op.add(op.multiply(y, self.constant(prefix + ".weight")), self.constant(prefix + ".bias"))

    def attention(self, x, prefix, bias):
        qkv = self.linear(x, prefix + "self.query", prefix + "self.key", prefix + "self.value")
        shape = op.constant(np.array([0, 0, 3 * HEADS, WIDTH // HEADS], np.int64))
        heads = op.transpose(op.reshape(qkv, shape, True), op.constant(np.array([0, 2, 1, 3])))
        q, k, v = op.split(heads, op.constant(np.array(1)), 3).outputs()
        mixed = op.scaled_dot_product_attention(q, k, v, bias)
        mixed = op.transpose(mixed, op.constant(np.array([0, 2, 1, 3])))
        mixed = op.reshape(mixed, op.constant(np.array([0, 0, WIDTH], np.int64)), True)
        return self.linear(mixed, prefix + "output.dense")

    def embeddings(self, ids):
        words = op.gather(self.matrix("embeddings.word_embeddings.weight"), ids, op.constant(0))
        length = op.gather(op.shape_of(ids, "i32"), op.constant(1), op.constant(0))
        positions = op.range(op.constant(np.int32(0)), length, op.constant(np.int32(1)), "i32")
        places = op.gather(self.matrix("embeddings.position_embeddings.weight"), positions, op.constant(0))
        segment = op.constant(self.weights["embeddings.token_type_embeddings.weight"][0])
        return self.layer_norm(op.add(op.add(words, places), segment), "embeddings.LayerNorm")

    def encoder(self, ids, mask):
        keep = op.unsqueeze(mask, op.constant(np.array([1, 2])))
        bias = op.multiply(op.subtract(op.constant(np.float32(1)), keep), op.constant(np.float32(-1e9)))
        x = self.embeddings(ids)
        for layer in range(LAYERS):
            prefix = f"encoder.layer.{layer}."
            x = self.layer_norm(op.add(self.attention(x, prefix + "attention.", bias), x),
                                prefix + "attention.output.LayerNorm")
            y = op.gelu(self.linear(x, prefix + "intermediate.dense"), "erf")
            x = self.layer_norm(op.add(self.linear(y, prefix + "output.dense"), x), prefix + "output.LayerNorm")
        return x


def _inputs():
    ids = op.parameter([-1, -1], np.int32, "ids")
    mask = op.parameter([-1, -1], np.float32, "mask")
    return _named(ids, "ids"), _named(mask, "mask")


def _named(node, name):
    node.set_friendly_name(name)
    node.output(0).tensor.set_names({name})
    return node


def build(weights, quantised=None):
    """The model: ids [batch, length] i32, mask [batch, length] f32 (1 or 0) -> vectors [batch, 384] f32."""
    ids, mask = _inputs()
    hidden = _Builder(weights, quantised or {}).encoder(ids, mask)
    weighted = op.multiply(hidden, op.unsqueeze(mask, op.constant(np.array([2]))))
    total = op.reduce_sum(weighted, op.constant(np.array([1])), False)  # normalising divides the count away
    vectors = _named(op.normalize_l2(total, op.constant(np.array([1])), EPSILON, "max"), "vectors")
    return ov.Model([op.result(vectors)], [ids, mask], "minilm_l6_v2")


def build_hidden(weights):
    """The same network up to its last layer: -> hidden [batch, length, 384] f32."""
    ids, mask = _inputs()
    return ov.Model([op.result(_Builder(weights, {}).encoder(ids, mask))], [ids, mask], "minilm_l6_v2_hidden")
