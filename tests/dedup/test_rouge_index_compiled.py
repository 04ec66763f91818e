"""The compiled pool works where nothing can be cached, and chooses its frequent words anew without forgetting any."""

import importlib.util
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numba
import pytest

from selfinstruct.dedup import lcs_kernel
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


MOVED = b"cselfinstruct.dedup.cluster_kernel\nAClassThatHasMoved\n."
"""A pickle of a class that is no longer there."""


@pytest.fixture
def compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Any]:
    """A small compiled function, as another process would find it; its cache is in the temporary folder."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    source = tmp_path / "small.py"
    source.write_text("def plus(one, other):\n    return one + other\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("small", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda: lcs_kernel.compiled_once(module.plus)


def hits(compiled: Any) -> int:
    assert compiled(1, 2) == 3
    return sum(compiled.stats.cache_hits.values())


@pytest.mark.parametrize(
    ("ending", "damaged"),
    [
        ("nbi", lambda whole: whole[: len(whole) // 2]),
        ("nbi", lambda _: b""),
        ("nbi", lambda _: b"no pickle"),
        ("nbi", lambda _: pickle.dumps(numba.__version__) + MOVED),
        ("nbc", lambda whole: whole[: len(whole) // 2]),
        ("nbc", lambda _: MOVED),
    ],
)
def test_a_cache_of_an_older_version_or_a_damaged_one_is_made_anew(
    compiled_again: Callable[[], Any], tmp_path: Path, ending: str, damaged: Callable[[bytes], bytes]
) -> None:
    assert (hits(compiled_again()), hits(compiled_again())) == (0, 1)
    [file] = (tmp_path / "cache").rglob(f"*.{ending}")
    file.write_bytes(damaged(file.read_bytes()))
    assert (hits(compiled_again()), hits(compiled_again())) == (0, 1)


def test_what_was_compiled_of_other_kernels_is_not_fresh(
    compiled_again: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (hits(compiled_again()), hits(compiled_again())) == (0, 1)
    monkeypatch.setattr(lcs_kernel, "kernels", lambda: "of another version")
    assert hits(compiled_again()) == 0
