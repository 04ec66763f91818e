from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from selfinstruct.judge.evaluation import evaluated
from selfinstruct.judge.fragments import Fragment


@dataclass(frozen=True)
class Says:
    """A judge that looks for one word."""

    word: str
    version: str = "says"
    threshold: float = 0.5

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> list[float]:
        return [0.9 if self.word in continuation else 0.2 for _, continuation in pairs]


def _fragment(continuation: str, label: int, kind: str, source: str) -> Fragment:
    return Fragment(
        prompt="Name a river.",
        continuation=continuation,
        label=label,
        kind=kind,
        source=source,
        whole=kind == "answer",
        set="mine",
        language="",
    )


def test_accuracy_is_told_by_kind_length_and_prompt_beside_the_rule() -> None:
    found: Any = evaluated(
        Says("yes"),
        [
            _fragment("The Elbe, yes", 1, "answer", "a"),
            _fragment("the Elbe, the longest of all", 1, "answer", "b"),
            _fragment("of Spain", 0, "finishes", "b"),
            _fragment("Of Spain, yes", 0, "finishes", "c"),
        ],
        seed=1,
    )
    assert found["accuracy"]["value"] == 0.5
    assert found["sources"] == 3
    assert found["by_kind"] == {"answer": {"n": 2, "accuracy": 0.5}, "finishes": {"n": 2, "accuracy": 0.5}}
    assert found["by_length"] == {"1-4": {"n": 3, "accuracy": 0.666667}, "5-8": {"n": 1, "accuracy": 0.0}}
    assert found["by_prompt"]["whole"] == {"n": 2, "accuracy": 0.5}
    assert found["by_language"] == {}
    assert found["first_character"]["accuracy"] == 0.5
    assert found["first_character"]["by_length"]["5-8"] == {"n": 1, "accuracy": 0.0}
