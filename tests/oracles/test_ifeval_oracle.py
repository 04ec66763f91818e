"""Oracle: the checkers of lm-evaluation-harness, for every kind of IFEval's instructions.

Needs `lm-eval` with what its task asks for (`pip install langdetect immutabledict nltk`); nothing is fetched. The two
kinds that it cuts into sentences or words with NLTK's own data are compared where those data lie.
"""

import importlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.evaluate.ifeval.instruction_ids import KINDS
from selfinstruct.evaluate.ifeval.prompt_records import IfevalPrompt, Instruction, ifeval_prompt
from selfinstruct.evaluate.ifeval.strict_and_loose import following
from tests.evaluate.ifeval_answers import FOLLOWED

lacking = [
    name for name in ("lm_eval", "langdetect", "immutabledict", "nltk") if importlib.util.find_spec(name) is None
]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(lacking), reason=f"needs {', '.join(lacking)}")]
PROMPTS = Path(__file__).parents[2] / "seeds" / "ifeval.jsonl"
CUT_BY_NLTK = ("length_constraints:number_sentences", "change_case:capital_word_frequency")
APART: Mapping[str, tuple[Mapping[str, Any], Sequence[str], Sequence[str]]] = {
    "keywords:letter_frequency": (  # theirs takes a letter of its own choice for any sign but a letter
        {"letter": "z", "let_frequency": 2, "let_relation": "at least"},
        ["Zig zag."],
        ["A zebra.", "Az"],
    )
}
_DEEP = 500
OTHERS = (
    "Yes.",
    '"It rains, and the sea is grey."',
    "# Title\n\n* one\n* two\n\n***\n\nP.S. the end [a] [b]",
    "<<Rain>>\n\n{}\n\n******\nThe RIVER runs to the SEA; Any other questions?",
    "the tide follows the moon and the tide turns twice a day in most places",
    "SECTION 1\nOne.\nSECTION 2\nTwo.",
)


@pytest.fixture(scope="module")
def theirs() -> Any:
    """Their module, of which nothing is fetched."""
    langdetect = importlib.import_module("langdetect")
    import nltk

    langdetect.DetectorFactory.seed = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nltk.data, "find", lambda *_, **__: True)
        from lm_eval.tasks.ifeval import utils
    return utils


def nltk_has_its_data() -> bool:
    import nltk

    try:
        nltk.data.find("tokenizers/punkt_tab")
    except LookupError:
        return False
    return True


def both(theirs: Any, row: dict[str, Any], prompt: IfevalPrompt, said: str) -> tuple[list[Any], list[Any]]:
    example = theirs.InputExample(row["key"], row["instruction_id_list"], row["prompt"], row["kwargs"])
    strict = theirs.test_instruction_following_strict(example, said).follow_instruction_list
    loose = theirs.test_instruction_following_loose(example, said).follow_instruction_list
    outcome = following(prompt, said)
    return [*zip(strict, loose, strict=True)], [*zip(outcome.strict, outcome.loose, strict=True)]


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_kind_is_followed_where_the_harness_says_so(theirs: Any, kind: str) -> None:
    if kind in CUT_BY_NLTK and not nltk_has_its_data():
        pytest.skip("NLTK's punkt_tab is not here")
    given, yes, no = APART.get(kind) or FOLLOWED[kind]
    others = () if kind == "language:response_language" else OTHERS  # of a few words two programs tell two languages
    row = {"key": 1, "prompt": "Ask.", "instruction_id_list": [kind], "kwargs": [dict(given)]}
    prompt = IfevalPrompt("1", "Ask.", (Instruction(kind, KINDS[kind].arguments(given, "here")),))
    apart = {}
    for said in dict.fromkeys((*yes, *no, *others)):
        if said.count("[") > _DEEP:
            continue  # their reader of JSON ends with an error
        expected, ours = both(theirs, row, prompt, said)
        if expected != ours:
            apart[said] = (expected, ours)
    assert apart == {}


def test_every_shipped_prompt_is_marked_as_the_harness_marks_it(theirs: Any) -> None:
    apart = []
    for line in PROMPTS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if {*row["instruction_id_list"]} & {*CUT_BY_NLTK, "language:response_language"}:
            continue
        prompt = ifeval_prompt(row, "here")
        for said in OTHERS:
            expected, ours = both(theirs, row, prompt, said)
            if expected != ours:
                apart.append((row["instruction_id_list"], said, expected, ours))
    assert apart == []
