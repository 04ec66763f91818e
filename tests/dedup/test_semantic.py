"""Records of one meaning: greedy on cosines, whatever makes the vectors; and a tiny model of the library itself."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from selfinstruct.dedup import semantic
from selfinstruct.dedup.semantic import Semantic, alike
from selfinstruct.errors import BadInput
from selfinstruct.records import Provenance, Task
from selfinstruct.stage import Bench, Kept, Measured, Rejected

INPUT = Provenance(stage="input")
VECTORS = {"river": [1.0, 0.0, 0.0], "stream": [0.95, 0.3, 0.0], "poem": [0.0, 0.0, 1.0], "name": [0.0, 0.2, 0.0]}


def tasks(*texts: str) -> list[Task]:
    return [Task(instruction=text, provenance=INPUT, ordinal=number) for number, text in enumerate(texts)]


class Table:
    """The sum of the vectors of the words it knows."""

    def encode(self, sentences: Sequence[str], /) -> NDArray[np.float32]:
        vectors = [[VECTORS.get(word, [0.0] * 3) for word in text.split()] for text in sentences]
        return np.array([np.sum([[0.0] * 3, *words], axis=0) for words in vectors], np.float32)


def test_any_embedder_will_do() -> None:
    decided = Semantic(embedder="unused", keep="first").decided(
        tasks("river", "poem", "stream", "poem", "unknown"), Table()
    )
    assert decided.neighbour.tolist() == [-1, -1, 0, 1, -1]
    assert decided.cosine[2] == pytest.approx(0.95 / np.hypot(0.95, 0.3), abs=1e-6)
    assert decided.compared.tolist() == [True, True, True, True, False]


def brute_force(vectors: NDArray[np.float32], preferences: Sequence[float], threshold: float) -> list[int]:
    exact = vectors.astype(float)
    kept: list[int] = []
    for place in sorted(range(len(vectors)), key=lambda at: (preferences[at], at)):
        own = exact[place]
        scores = [own @ exact[other] / np.sqrt(own @ own * (exact[other] @ exact[other])) for other in kept]
        if not scores or max(scores) < threshold:
            kept.append(place)
    return sorted(kept)


@pytest.mark.parametrize("threshold", [0.5, 0.9])
def test_they_equal_brute_force_over_many_blocks(threshold: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semantic, "_BLOCK", 16)
    monkeypatch.setattr(semantic, "_STRIP", 10)
    draw = np.random.default_rng(2)
    vectors = draw.normal(size=(300, 4)).astype(np.float32)
    preferences = draw.integers(0, 9, 300).astype(float)
    nearest = alike(vectors, preferences, threshold)
    assert np.flatnonzero(nearest.neighbour < 0).tolist() == brute_force(vectors, preferences.tolist(), threshold)


@given(st.lists(st.sampled_from(["river", "stream", "poem", "river poem", "name", "unknown"]), min_size=1, max_size=20))
def test_every_neighbour_is_kept_and_close(texts: list[str]) -> None:
    decided = Semantic(embedder="unused").decided(tasks(*texts), Table())
    for place, other in enumerate(decided.neighbour.tolist()):
        if other >= 0:
            assert decided.neighbour[other] == -1
            assert decided.cosine[place] >= 0.9


@pytest.fixture
def model(tmp_path: Path) -> str:
    model2vec, tokenizers = pytest.importorskip("model2vec"), pytest.importorskip("tokenizers")
    words = {"[UNK]": 0, **{word: number for number, word in enumerate(VECTORS, 1)}}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    vectors = np.array([[0.0] * 3, *VECTORS.values()], np.float32)
    folder = tmp_path / "tiny"
    model2vec.StaticModel(vectors, tokenizer).save_pretrained(folder)
    return str(folder)


def test_a_model_of_the_library_is_read_from_its_folder(model: str) -> None:
    records = tasks("river", "stream", "poem", "unheard")
    outcomes = list(Semantic(embedder=model, keep="first")(records, Bench()))
    assert [type(outcome) for outcome in outcomes] == [Kept, Rejected, Kept, Kept, Measured, Measured]
    rejected = outcomes[1]
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "semantic_duplicate"
    assert rejected.evidence["neighbour"] == records[0].id
    assert rejected.evidence["score"] == pytest.approx(0.9536, abs=1e-4)
    assert outcomes[-2] == Measured("embedding", {"embedder": "tiny", "cosine": 0.9})
    assert outcomes[-1] == Measured("never_compared_for_want_of_known_words", 1)


def test_a_folder_without_a_model_is_bad_input_and_nothing_is_downloaded(tmp_path: Path) -> None:
    pytest.importorskip("model2vec")
    with pytest.raises(BadInput, match="holds no model2vec model"):
        list(Semantic(embedder=str(tmp_path / "nowhere"))(tasks("river"), Bench()))


def test_a_damaged_model_is_bad_input(model: str) -> None:
    (Path(model) / "model.safetensors").write_bytes(b"not a model")
    (Path(model) / "config.json").write_text(json.dumps({}))
    with pytest.raises(BadInput, match="cannot be loaded"):
        list(Semantic(embedder=model)(tasks("river"), Bench()))


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "model2vec", None)
    with pytest.raises(BadInput, match=r"pip install 'selfinstruct\[semantic\]'"):
        list(Semantic(embedder="anywhere")(tasks("river"), Bench()))


@pytest.mark.parametrize("cosine", [0.0, 1.5, float("nan")])
def test_a_cosine_that_cannot_be_meant_is_refused(cosine: float) -> None:
    with pytest.raises(BadInput, match="cosine"):
        Semantic(embedder="anywhere", cosine=cosine)
