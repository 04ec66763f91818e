"""The compiled pool works where nothing can be cached, and chooses its frequent words anew without forgetting any."""

import os
import subprocess
import sys
from random import Random

from selfinstruct.dedup.rouge_index import PlainPool
from selfinstruct.dedup.rouge_index_compiled import CompiledPool, call_compiled

ASK = """
from selfinstruct.dedup.rouge_index_compiled import CompiledPool
from selfinstruct.dedup import lcs_kernel
print(CompiledPool([[1, 2, 3], [4, 5, 6]]).nearest([5, 6, 7]), type(lcs_kernel.nearest._cache).__name__)
"""


def test_it_answers_as_the_plain_pool_while_both_grow_through_several_doublings() -> None:
    draw = Random(1)
    plain, compiled = PlainPool(), CompiledPool()
    for size in range(400):
        text = [int(draw.paretovariate(0.6)) % 5_000 for _ in range(draw.randint(0, 90))]
        assert plain.nearest(text) == compiled.nearest(text)
        assert plain.commons(text).tolist() == compiled.commons(text).tolist()
        plain.add(text)
        compiled.add(text)
        assert len(plain) == len(compiled) == size + 1


def test_a_cache_that_cannot_be_written_stops_nothing() -> None:
    nowhere = os.environ | {
        "NUMBA_CACHE_DIR": "/dev/null/nowhere",
        "NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator",  # not beside the source, nor in the home folder
    }
    done = subprocess.run([sys.executable, "-c", ASK], env=nowhere, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 2) NullCache"


def test_a_first_call_whose_cache_could_not_be_saved_is_made_again() -> None:
    calls = []

    def compiled(number: int) -> int:
        calls.append(number)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")
        return number + 1

    assert call_compiled(compiled, 4) == 5
    assert calls == [4, 4]
