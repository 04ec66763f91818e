"""The 25 kinds of IFEval's instructions by their public ids: the checker of each and the arguments it takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.ifeval import layout_checks, word_checks
from selfinstruct.records import Json
from selfinstruct.text import shown

Takes: TypeAlias = Literal["text", "texts", "count", "relation", "sign"]
"""What an argument is: a text, a list of texts, a whole number from 0, one of the two relations, a single character."""

_SAYS: Mapping[Takes, str] = {
    "text": "a text",
    "texts": "a list of texts",
    "count": "a whole number",
    "relation": "'less than' or 'at least'",
    "sign": "a single letter",
}


@dataclass(frozen=True, slots=True)
class InstructionKind:
    """What an instruction asks, and the public names of its arguments."""

    check: Callable[..., bool]
    takes: Mapping[str, Takes] = field(default_factory=dict)

    def arguments(self, given: Mapping[str, Any], place: str) -> dict[str, Json]:
        """Those of this kind out of `given`, of which null ones are left out; BadInput for one missing or wrong.

        >>> KINDS["length_constraints:number_words"].arguments({"num_words": 9.0, "relation": "at least"}, "")
        {'num_words': 9, 'relation': 'at least'}
        """
        arguments: dict[str, Json] = {}
        for name, takes in self.takes.items():
            if given.get(name) is None:
                raise BadInput(f"kwargs: no '{name}'", place=place, fix=f"give {_SAYS[takes]}")
            value = _read(takes, given[name])
            if value is None:
                what = f"kwargs: '{name}' is {shown(repr(given[name]), 40)}"
                raise BadInput(what, place=place, fix=f"give {_SAYS[takes]}")
            arguments[name] = value
        return arguments


def _read(takes: Takes, value: Any) -> Json:  # noqa: ANN401 - what a file holds
    """The value as the checker takes it; None for one of another kind."""
    if takes == "count":
        whole = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value == value // 1
        return int(value) if whole else None
    if takes == "texts":
        listed = isinstance(value, list | tuple) and len(value) > 0
        return list(value) if listed and all(isinstance(item, str) and item.strip() for item in value) else None
    if not isinstance(value, str) or not value.strip():
        return None
    if takes == "relation":
        return value if value in word_checks.RELATIONS else None
    return None if takes == "sign" and len(value.strip()) != 1 else value


KINDS: Mapping[str, InstructionKind] = {
    "keywords:existence": InstructionKind(word_checks.has_keywords, {"keywords": "texts"}),
    "keywords:frequency": InstructionKind(
        word_checks.keyword_frequency, {"keyword": "text", "frequency": "count", "relation": "relation"}
    ),
    "keywords:forbidden_words": InstructionKind(word_checks.no_forbidden_words, {"forbidden_words": "texts"}),
    "keywords:letter_frequency": InstructionKind(
        word_checks.letter_frequency, {"letter": "sign", "let_frequency": "count", "let_relation": "relation"}
    ),
    "language:response_language": InstructionKind(word_checks.in_language, {"language": "text"}),
    "length_constraints:number_sentences": InstructionKind(
        word_checks.sentence_number, {"num_sentences": "count", "relation": "relation"}
    ),
    "length_constraints:number_paragraphs": InstructionKind(
        layout_checks.paragraph_number, {"num_paragraphs": "count"}
    ),
    "length_constraints:number_words": InstructionKind(
        word_checks.word_number, {"num_words": "count", "relation": "relation"}
    ),
    "length_constraints:nth_paragraph_first_word": InstructionKind(
        word_checks.paragraph_first_word, {"num_paragraphs": "count", "nth_paragraph": "count", "first_word": "text"}
    ),
    "detectable_content:number_placeholders": InstructionKind(
        layout_checks.placeholder_number, {"num_placeholders": "count"}
    ),
    "detectable_content:postscript": InstructionKind(layout_checks.postscript, {"postscript_marker": "text"}),
    "detectable_format:number_bullet_lists": InstructionKind(layout_checks.bullet_number, {"num_bullets": "count"}),
    "detectable_format:constrained_response": InstructionKind(layout_checks.constrained_response),
    "detectable_format:number_highlighted_sections": InstructionKind(
        layout_checks.highlight_number, {"num_highlights": "count"}
    ),
    "detectable_format:multiple_sections": InstructionKind(
        layout_checks.section_number, {"section_spliter": "text", "num_sections": "count"}
    ),
    "detectable_format:json_format": InstructionKind(layout_checks.json_format),
    "detectable_format:title": InstructionKind(layout_checks.title),
    "combination:two_responses": InstructionKind(layout_checks.two_responses),
    "combination:repeat_prompt": InstructionKind(layout_checks.repeats_prompt, {"prompt_to_repeat": "text"}),
    "startend:end_checker": InstructionKind(layout_checks.ends_with, {"end_phrase": "text"}),
    "startend:quotation": InstructionKind(layout_checks.quotation),
    "change_case:capital_word_frequency": InstructionKind(
        word_checks.capital_word_frequency, {"capital_frequency": "count", "capital_relation": "relation"}
    ),
    "change_case:english_capital": InstructionKind(word_checks.english_capital),
    "change_case:english_lowercase": InstructionKind(word_checks.english_lowercase),
    "punctuation:no_comma": InstructionKind(word_checks.no_comma),
}
