"""Reads a .safetensors file: 8 bytes of header length, a JSON header, raw little-endian data."""

import json
import struct

import numpy as np


def read(path):
    dtypes = {"F32": np.float32, "I64": np.int64}
    with open(path, "rb") as stream:
        (header_bytes,) = struct.unpack("<Q", stream.read(8))
        header = json.loads(stream.read(header_bytes))
        data = stream.read()
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], dtypes[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}
