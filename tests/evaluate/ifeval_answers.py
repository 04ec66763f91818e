"""For each kind of IFEval: its arguments, answers that follow and answers that do not."""

from collections.abc import Mapping, Sequence
from typing import Any

LESS, AT_LEAST = "less than", "at least"
FOLLOWED: Mapping[str, tuple[Mapping[str, Any], Sequence[str], Sequence[str]]] = {
    "keywords:existence": (
        {"keywords": ["tide", "moon"]},
        ["The Moon makes the tides."],
        ["The moon is far.", ""],
    ),
    "keywords:frequency": (
        {"keyword": " bee ", "frequency": 2, "relation": LESS},
        ["A bee.", "None."],
        ["Bees and beetles.", "bee bee bee"],
    ),
    "keywords:forbidden_words": (
        {"forbidden_words": ["sea", "salt"]},
        ["A seaside lake, salty."],
        ["The SEA!", "Salt-free"],
    ),
    "keywords:letter_frequency": (
        {"letter": "#", "let_frequency": 2, "let_relation": AT_LEAST},
        ["#one #two"],
        ["#one", "zz"],
    ),
    "language:response_language": (
        {"language": "de"},
        ["Der Fluss ist lang und im Winter sehr kalt.", "12 + 3 = 15"],
        ["The river is long and very cold in winter."],
    ),
    "length_constraints:number_sentences": (
        {"num_sentences": 3, "relation": AT_LEAST},
        ["One. Two! Three?", "Dr. No left at 5 p.m. for St. Ives. It rained. He slept."],
        ["Dr. No met Mr. Yes at 5 p.m. sharp.", "One. Two."],
    ),
    "length_constraints:number_paragraphs": (
        {"num_paragraphs": 2},
        ["One.\n***\nTwo.", "***\nOne. *** Two.\n***"],
        ["One.\n\nTwo.", "One. *** *** Two.", "One. *** Two. *** Three."],
    ),
    "length_constraints:number_words": (
        {"num_words": 4, "relation": LESS},
        ["Don't go.", "..."],
        ["Don't go there."],
    ),
    "length_constraints:nth_paragraph_first_word": (
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Rain"},
        ["One.\n\nrain, again.", "One.\n\n'Rain' falls.", 'One.\n\n"RAIN" falls.'],
        ["One.\n\nRainy.", "Rain.\n\nOne.", "One.\n\nRain.\n\nThree.", "One.\n\n\n\nRain."],
    ),
    "detectable_content:number_placeholders": (
        {"num_placeholders": 2},
        ["[a] [b]", "[a][b][c]", "[] []"],
        ["[a]", "[a\nb] [c]"],
    ),
    "detectable_content:postscript": (
        {"postscript_marker": "P.P.S"},
        ["Bye. p. p. s. Hello", "P.P.S"],
        ["P.S. Hello", "PPS"],
    ),
    "detectable_format:number_bullet_lists": (
        {"num_bullets": 2},
        ["* one\n* two", "- one\n  - two\nthree"],
        ["* one", "* one\n* two\n- three", "**one**\n**two**"],
    ),
    "detectable_format:constrained_response": (
        {},
        ["My answer is no.", "Hm. My answer is maybe. Or so."],
        ["my answer is no.", "No."],
    ),
    "detectable_format:number_highlighted_sections": (
        {"num_highlights": 2},
        ["*one* *two*", "*one* and **two**"],
        ["*one*", "**one**", "* one\n* two", "** ** * *"],
    ),
    "detectable_format:multiple_sections": (
        {"section_spliter": "Day ", "num_sections": 2},
        ["Day 1 swim Day 2 rest", "Day1\nDay2\nDay3"],
        ["Day 1", "day 1 day 2", "Day one Day two"],
    ),
    "detectable_format:json_format": (
        {},
        ['{"a": 1}', '```json\n{"a": 1}\n```', "```\n[1]\n```", "12"],
        ["a: 1", '{"a": 1} is it', "[" * 100_000],
    ),
    "detectable_format:title": (
        {},
        ["<<Rain>>\nIt falls.", "It falls. << a >>"],
        ["<Rain>", "<<  >>", "<<a\nb>>"],
    ),
    "combination:two_responses": (
        {},
        ["Tea. ****** Coffee.", "****** Tea. ****** Coffee. ******"],
        ["Tea.", "Tea. ****** Tea.", "a ****** b ****** c", "a ****** ****** b"],
    ),
    "combination:repeat_prompt": (
        {"prompt_to_repeat": "Name a river. "},
        ["name a river. The Tay.", "\nName a river."],
        ["Sure! Name a river.", "The Tay."],
    ),
    "startend:end_checker": (
        {"end_phrase": " That is all."},
        ["Rain. that is all.", '"Rain. That is all."\n'],
        ["That is all. Bye.", "That is all!"],
    ),
    "startend:quotation": (
        {},
        ['"Rain."', ' ""\n'],
        ['"', "'Rain.'", '"Rain".', "\u201cRain.\u201d"],
    ),
    "change_case:capital_word_frequency": (
        {"capital_frequency": 2, "capital_relation": AT_LEAST},
        ["I saw NASA.", "WELL-KNOWN UNESCO", "STOP! GO!"],
        ["I saw it.", "Nasa and Unesco", "WELL-KNOWN"],
    ),
    "change_case:english_capital": (
        {},
        ["THE RIVER IS LONG AND COLD IN THE WINTER."],
        ["The RIVER IS LONG.", "DER FLUSS IST LANG UND IM WINTER SEHR KALT.", "12"],
    ),
    "change_case:english_lowercase": (
        {},
        ["the river is long and cold in the winter."],
        ["The river is long.", "der fluss ist lang und im winter sehr kalt.", "12"],
    ),
    "punctuation:no_comma": ({}, ["Salt and pepper.", "\uff0c\u3001"], ["Salt, pepper"]),
}
