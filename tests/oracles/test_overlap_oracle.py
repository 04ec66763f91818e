"""Oracles: `rouge_score`, with and without its stemmer, and with our words."""

import json
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from selfinstruct.evaluate.answer_set_marking import overlap
from selfinstruct.superni import package_rouge_l
from selfinstruct.text import words
from selfinstruct.text.rouge_l import stem

SEEDS = Path(__file__).parents[2] / "seeds"
PLAIN, STEMMED = RougeScorer(["rougeL"]), RougeScorer(["rougeL"], use_stemmer=True)


def texts() -> list[str]:
    rows = (SEEDS / "self_instruct.jsonl").read_text(encoding="utf-8").splitlines()
    return [pair["output"] for row in rows for pair in json.loads(row)["instances"]]


class OurWords:
    """As the library takes a tokenizer."""

    def __init__(self, *, stems: bool) -> None:
        self.stems = stems

    def tokenize(self, text: str) -> list[str]:
        return [stem(word) if self.stems else word for word in words(text)]


def test_rouge_l_has_the_librarys_bits_with_the_stemmer_and_without() -> None:
    draw = Random(4)
    plain = [text for text in texts() if text.isascii()]
    for _ in range(150):
        answer, *references = (
            " ".join(draw.sample(draw.choice(plain).split()[:80], 1) + draw.choice(plain).split()[:80])
            for _ in range(3)
        )
        ours = overlap(answer, references)
        assert package_rouge_l(answer, references) == ours.rouge_l_stemmed
        for scorer, number in ((PLAIN, ours.rouge_l), (STEMMED, ours.rouge_l_stemmed)):
            assert number == max(scorer.score(reference, answer)["rougeL"].fmeasure for reference in references)


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_two_texts_score_as_in_the_library_given_our_words(answer: str, reference: str) -> None:
    ours = overlap(answer, [reference])
    if not words(reference):
        assert (ours.rouge_l, ours.rouge_l_stemmed) == (None, None)
        return
    for number, stems in ((ours.rouge_l, False), (ours.rouge_l_stemmed, True)):
        scorer = RougeScorer(["rougeL"], tokenizer=OurWords(stems=stems))
        assert number == scorer.score(reference, answer)["rougeL"].fmeasure
    published = STEMMED.score(reference, answer)["rougeL"].fmeasure
    assert package_rouge_l(answer, [reference]) == published  # whatever the script
    if answer.isascii() and reference.isascii():
        assert ours.rouge_l == PLAIN.score(reference, answer)["rougeL"].fmeasure
        assert ours.rouge_l_stemmed == published


def test_answers_in_other_scripts_are_scored_by_their_words() -> None:
    hindi = overlap("भोजन शरीर को ऊर्जा देता है।", ["भोजन शरीर को बल देता है।"])
    assert hindi.rouge_l == hindi.rouge_l_stemmed == 10 / 12
    danish = overlap("Åen løber gennem byen", ["Åen løber gennem skoven"])
    assert danish.rouge_l == 6 / 8
    assert overlap("Le résumé était prêt", ["Le resume etait pret"]).rouge_l == 2 / 8
