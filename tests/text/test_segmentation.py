"""Words of every script, and the same words everywhere."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.curate.benchmark_index import BenchmarkIndex, SameTextRule
from selfinstruct.curate.checks.check_counts import _without_marks
from selfinstruct.dedup.exact import Exact
from selfinstruct.dedup.minhash import jaccard, signatures
from selfinstruct.dedup.near import Near
from selfinstruct.dedup.rouge_index import RougeIndex
from selfinstruct.evaluate.answer_set_marking import overlap
from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.stage import Bench, Kept
from selfinstruct.text import has_signs, program_words, segmentation, words, words_and_signs


@pytest.mark.parametrize(
    "sentence",
    [
        "मीठा पानी कहाँ मिलता है",  # Devanagari
        "নদীর জল কোথায় পাওয়া যায়",  # Bengali
        "ਪਾਣੀ ਕਿੱਥੇ ਹੈ",  # Gurmukhi
        "પાણી ક્યાં છે",  # Gujarati
        "நீர் எங்கே கிடைக்கும்",  # Tamil
        "నీరు ఎక్కడ దొరుకుతుంది",  # Telugu
        "ನೀರು ಎಲ್ಲಿದೆ",  # Kannada
        "വെള്ളം എവിടെ",  # Malayalam
        "ජලය කොහෙද",  # Sinhala
        "أَيْنَ المَاءُ",  # Arabic, with points
        "אֵיפֹה הַמַּיִם",  # Hebrew, with points
        "ܡܰܝܳܐ ܐܰܝܟܳܐ",  # Syriac
        "ཆུ་ག་པར་འདུག".replace("་", " "),  # Tibetan
        "ọmi wà ní ibo",  # Yoruba: marks that no single character has
        "x̄ ŷ r̃",
    ],
)
def test_marks_belong_to_their_letter_so_that_words_are_what_stands_between_spaces(sentence: str) -> None:
    assert words(sentence) == unicodedata.normalize("NFKC", sentence).split()
    assert words(unicodedata.normalize("NFD", sentence)) == words(sentence)
    assert words_and_signs(sentence) == words(sentence)
    assert len(_without_marks(sentence).split()) == len(words(sentence))


def test_in_scripts_without_spaces_marks_belong_to_the_character_before() -> None:
    assert words("ที่นี่") == ["ที่", "นี่"]
    assert words("မြန်မာ") == ["မြ", "န်", "မာ"]
    assert words("か\u3099き") == ["が", "き"]


def test_joiners_are_inside_words_and_what_is_not_seen_is_not_there() -> None:
    persian = "می\u200cروم"
    assert words(f"{persian} خانه") == [persian, "خانه"]
    assert words("خانه\u200c است") == ["خانه", "است"]  # at the end it says nothing
    assert words("അവന്\u200d") != words("അവന്")  # he, and to him: after a mark it is a letter of its own
    assert words("Donau\u00addampf\u200e-schiff\ufeff") == ["donaudampf", "schiff"]
    assert words("one\u200btwo") == ["one", "two"]  # a space, if without width
    assert words("\u2764\ufe0f \u0031\ufe0f\u20e3 \U0001f469\u200d\U0001f4bb") == ["❤", "1", "👩", "💻"]
    assert words("İzmir") == ["izmir"]
    assert words("\u0301\u093e \ue000") == []


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_cut_as_by_the_program(said: str) -> None:
    assert words(said) == program_words(said)
    if not has_signs(said):
        assert words_and_signs(said) == words(said)
    assert "".join(words_and_signs(said)).replace("+", "").replace("#", "").replace(".", "") == "".join(words(said))


@given(st.text())
def test_a_text_is_cut_the_same_whether_or_not_it_is_looked_at_closely(said: str) -> None:
    assert words(said + " \u0905\u093e") == [*words(said), "\u0905\u093e"]


def test_no_text_that_is_cut_as_it_stands_has_a_mark_in_it() -> None:
    for code in range(sys.maxunicode + 1):
        if code % 8 == 0 or code < 0x3200 or 0xA000 <= code < 0x1E000:  # where scripts are, all of them
            char = chr(code)
            if not segmentation._SPECIAL.search(char):
                assert unicodedata.category(char) not in ("Mn", "Mc", "Cf", "Co"), hex(code)


@pytest.mark.parametrize(
    ("said", "cut"),
    [
        ("C++ C# F# X++ g++", ["c++", "c#", "f#", "x++", "g++"]),
        ("C++17, C#10 and C/C++.", ["c++", "17", "c#", "10", "and", "c", "c++"]),
        ("Uses .NET (.NET 8), not ASP.NET.", ["uses", ".net", ".net", "8", "not", "asp", "net"]),
        ("Type A+ or A-?", ["type", "a+", "or", "a"]),
        ("2+2 = x+y; page#part. 3.5 .5 ... a", "2 2 x y page part 3 5 5 a".split()),  # noqa: SIM905 - easier to read
        ("Über C\uff03 und C\u266f", ["über", "c#", "und", "c#"]),
        ("## Title #1 ##", ["title", "1"]),
    ],
)
def test_signs_that_tell_names_apart_stay_with_them(said: str, cut: list[str]) -> None:
    assert words_and_signs(said) == cut


def task(instruction: str, output: str = "") -> Task:
    return Task(instruction=instruction, instances=(Instance("", output),), provenance=Provenance(stage="input"))


QUESTIONS = [
    ("Sort a list in C++.", "Sort a list in C#."),
    ("What is F#?", "What is F?"),
    ("मीठा क्या होता है?", "मोटा क्या होता है?"),
    ("নদী কী?", "নাদ কি?"),
]


@pytest.mark.parametrize(("one", "other"), QUESTIONS)
def test_different_questions_are_no_duplicates(one: str, other: str) -> None:
    both = [task(one), task(other)]
    for stage in (Exact(same="words"), Exact(), Near()):
        outcomes = [outcome for outcome in stage(both, Bench()) if isinstance(outcome, Kept)]
        assert [outcome.record for outcome in outcomes] == both, stage
    first, second = signatures([one, other])
    assert (first == second).mean() < 0.8
    assert jaccard(one, other) < 0.8


@pytest.mark.parametrize(("one", "other"), QUESTIONS)
def test_a_question_of_a_benchmark_is_no_other_question(one: str, other: str) -> None:
    measure = SameTextRule(words_in_a_row=13, share_at_least=0.6, shingle_words=3, boilerplate_share=0.01)
    index = BenchmarkIndex({"held out": [task(one)]}, measure)
    assert index.same(one) is not None
    assert index.same(other) is None


def test_rouge_l_knows_no_signs() -> None:
    index = RougeIndex.over([task("Sort it in C++.")])
    assert (nearest := index.nearest("Sort it in C#.")) is not None
    assert nearest.rouge_l == 1.0
    assert overlap("C#", ["C++"]).rouge_l == 1.0
    assert program_words("C++") == ["c"]


def test_vowel_signs_count_in_rouge_l() -> None:
    index = RougeIndex.over([task("मीठा क्या है?")])
    assert (nearest := index.nearest("मोटा क्या है?")) is not None
    assert nearest.rouge_l == pytest.approx(2 / 3)


@given(st.text(alphabet=' ab.+#(\n"1', max_size=8))
def test_signs_are_seen_wherever_they_change_how_a_text_is_cut(said: str) -> None:
    plain = "+" not in said and "#" not in said and not re.search(r"(?:^|[ \n\t(/\[\"'`])\.", said)
    assert has_signs(said) is not plain
