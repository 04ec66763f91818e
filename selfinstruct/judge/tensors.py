"""One array of numbers in a file that any safetensors reader can open: a header in JSON, then the bytes."""

import json
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NAME = "weights"


def packed(weights: "NDArray[np.int16]") -> bytes:
    """The file's bytes: the same for the same weights.

    >>> import numpy as np
    >>> unpacked(packed(np.array([1, -2, 3], np.int16))).tolist()
    [1, -2, 3]
    """
    raw = weights.astype("<i2").tobytes()
    header = json.dumps({_NAME: {"dtype": "I16", "shape": [len(weights)], "data_offsets": [0, len(raw)]}}).encode()
    header += b" " * (-len(header) % 8)  # the format wants the numbers aligned
    return struct.pack("<Q", len(header)) + header + raw


def unpacked(raw: bytes) -> "NDArray[np.int16]":
    """The inverse of `packed`.

    Raises:
        ValueError: these are other bytes.
    """
    import numpy as np

    (size,) = struct.unpack_from("<Q", raw) if len(raw) >= 8 else (0,)
    entry = json.loads(raw[8 : 8 + size] or b"null")
    if not isinstance(entry, dict) or entry.get(_NAME, {}).get("dtype") != "I16":
        raise ValueError("not weights of a linear judge")
    weights = np.frombuffer(raw[8 + size :], "<i2").astype(np.int16)
    if entry[_NAME].get("shape") != [len(weights)]:
        raise ValueError("cut off")
    return weights
