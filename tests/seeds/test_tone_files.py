"""What the shipped judge learned from, and the completions it was tried on."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rapidfuzz import process
from rapidfuzz.distance import LCSseq

from selfinstruct.text import words

SEEDS = Path(__file__).parents[2] / "seeds"
FAR = 0.6


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SEEDS / f"{name}.jsonl").read_text(encoding="utf-8").split("\n") if line]


@pytest.mark.parametrize("name", ["tone_records", "tone_completions", "tone_fine", "tone_reads", "read_prompts"])
def test_the_readme_names_the_hash_of_the_file(name: str) -> None:
    digest = hashlib.sha256((SEEDS / f"{name}.jsonl").read_bytes()).hexdigest()
    assert digest in (SEEDS / "README.md").read_text(encoding="utf-8")


def test_records_have_an_answer_and_some_a_way_not_to_answer() -> None:
    records = rows("tone_records")
    assert [row["id"] for row in records] == [f"tone-{number:04d}" for number in range(1, len(records) + 1)]
    for row in records:
        assert row["instruction"].strip()
        assert row["output"].strip()
        assert "cut" not in row or (row["instruction"].startswith(row["cut"]) and row["carries_on"].strip())
    counts = Counter(("carries_on" in row, "cut" in row) for row in records)
    assert counts[True, False] > 500
    assert counts[True, True] > 500


@pytest.mark.parametrize(("name", "key"), [("tone_records", "instruction"), ("read_prompts", "prompt")])
def test_no_record_is_close_to_a_prompt_that_scores(name: str, key: str) -> None:
    prompts = [row["instruction"] for row in rows("ifs_instructions")]
    prompts += [text for row in rows("objecqa") for text in (row["question"], *row["phrasings"])]
    alphabet: dict[str, str] = {}

    def coded(text: str) -> str:
        return "".join(alphabet.setdefault(word, chr(0x4E00 + len(alphabet))) for word in words(text))

    ours = {coded(row[key]): row["id"] for row in rows(name)}
    against = [coded(text) for text in prompts]
    shared = process.cdist(list(ours), against, scorer=LCSseq.similarity)
    for text, line in zip(ours, shared, strict=True):
        nearest = max(
            (2 * int(common) / (len(text) + len(other)) for common, other in zip(line, against, strict=True)), default=0
        )
        assert nearest < FAR, ours[text]


def test_completions_are_labelled_and_a_quarter_of_them_twice() -> None:
    completions = rows("tone_completions")
    sources = {row["id"] for row in rows("ifs_instructions")}
    assert len(completions) >= 400
    assert sum("again" in row for row in completions) >= 100
    assert all(row["label"] in (0, 1) and row["source"] in sources for row in completions)
    assert len({(row["model"], row["wrapper"]) for row in completions}) == 5


def test_completions_are_read_for_all_finer_tones_and_no_prompt_is_in_two_parts() -> None:
    read = rows("tone_fine")
    assert [row["id"] for row in read] == [f"fine-{number:03d}" for number in range(1, len(read) + 1)]
    tones = ("refusal", "hedging", "clarifying_question", "chatter")
    assert all(row[tone] in (0, 1) and row["response"].strip() for row in read for tone in tones)
    assert min(sum(row[tone] for row in read) for tone in tones) >= 50
    part: dict[str, str] = {}
    for row in read:
        assert part.setdefault(row["prompt"], row["part"]) == row["part"]


def test_completions_of_both_frames_were_read_twice_and_their_prompts_are_there() -> None:
    read, prompts = rows("tone_reads"), {row["id"]: row for row in rows("read_prompts")}
    assert Counter(row.get("frame", 1) for row in read) == {1: 1206, 2: 1087}
    assert len({row["id"] for row in read}) == len(read)
    for row in read:
        assert {"first", "second"} <= row.keys() or row.get("frame", 1) == 1
        assert ("prompt" in row) != ("sha256" in row)
        if row["source"] in prompts and "prompt" in row:
            assert row["prompt"] == prompts[row["source"]]["prompt" if row["whole"] else "cut"]
