"""The body of an answer as it is read: broken off when it is too large or stalls."""

import asyncio
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from selfinstruct.models.backend import CallError


class _Bounded:
    """A body that ends with CallError when it is too large or stalls."""

    def __init__(self, stream: Any, most: int, stall: float) -> None:  # noqa: ANN401 - a private class of httpx
        self._stream, self._most, self._stall = stream, most, stall

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        parts = aiter(self._stream)
        while True:
            try:
                async with asyncio.timeout(self._stall):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                message = f"the answer stalled for {self._stall:g} seconds"
                raise CallError("timeout", message, retry="later") from None
            size += len(part)
            if size > self._most:
                raise too_large(self._most, f"more than {self._most} bytes")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


@cache
def bounded(stream: Any) -> Any:  # noqa: ANN401 - as above
    """A kind of stream that ends so: httpx checks its class, which differs between openai 2 and 3."""
    kind = next(base for base in stream.__mro__ if base.__name__ == "AsyncByteStream")
    return type("Bounded", (_Bounded, kind), {})


def too_large(most: int, size: str) -> CallError:
    """What is said of a body of that `size`, where so many bytes are room enough; it was paid for."""
    what = f"an answer of {size} was broken off: its request has room for {most}"
    return CallError("too_large", what, retry="never", billed=True)
