"""One array of numbers in a file that any safetensors reader can open: a header in JSON, then the bytes."""

import json
import struct
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind: TypeAlias = Literal["I16", "F32"]

_NAME = "weights"
_NUMPY = {"I16": "<i2", "F32": "<f4"}


def packed(weights: "NDArray[Any]", kind: Kind = "I16") -> bytes:
    """The file's bytes: the same for the same weights.

    >>> import numpy as np
    >>> unpacked(packed(np.array([1, -2, 3], np.int16))).tolist()
    [1, -2, 3]
    """
    raw = weights.astype(_NUMPY[kind]).tobytes()
    header = json.dumps({_NAME: {"dtype": kind, "shape": [len(weights)], "data_offsets": [0, len(raw)]}}).encode()
    header += b" " * (-len(header) % 8)  # the format wants the numbers aligned
    return struct.pack("<Q", len(header)) + header + raw


def unpacked(raw: bytes) -> "NDArray[np.int16]":
    """The inverse of `packed`, of whole numbers.

    Raises:
        ValueError: these are other bytes.
    """
    import numpy as np

    return _numbers(raw, "I16").astype(np.int16)


def unpacked_reals(raw: bytes) -> "NDArray[np.float64]":
    """The inverse of `packed`, of reals.

    Raises:
        ValueError: these are other bytes.
    """
    import numpy as np

    return _numbers(raw, "F32").astype(np.float64)


def _numbers(raw: bytes, kind: Kind) -> "NDArray[Any]":
    import numpy as np

    (size,) = struct.unpack_from("<Q", raw) if len(raw) >= 8 else (0,)
    entry = json.loads(raw[8 : 8 + size] or b"null")
    if not isinstance(entry, dict) or entry.get(_NAME, {}).get("dtype") != kind:
        raise ValueError("not weights of such a judge")
    weights = np.frombuffer(raw[8 + size :], _NUMPY[kind])
    if entry[_NAME].get("shape") != [len(weights)]:
        raise ValueError("cut off")
    return weights
