"""Tells classification tasks from others without a model: a small logistic regression trained on labelled seeds.

Models under a billion parameters answer the question by chance; a few dozen seeds teach these features to do better.
Hashed words and letters carry whatever language the seeds are in; cues (words that hint at a fixed set of labels, or at
open text) add what is known of English.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.text import words

_I = re.IGNORECASE
CUES: dict[str, re.Pattern[str]] = {
    "whether": re.compile(r"\bwhether\b|\b(?:decide|determine|tell|say|judge|check|see|predict) if\b", _I),
    "two_words": re.compile(
        r"\b(?:true or false|yes or no|right or wrong|fact or opinion|valid or invalid|positive or negative"
        r"|pass or fail|yes/no|true/false|or not)\b",
        _I,
    ),
    "label_noun": re.compile(
        r"\b(?:labels?|categor(?:y|ies)|classes|class|options?|choices?"
        r"|sentiment|stance|polarity|genre|intent|multiple[- ]choice)\b",
        _I,
    ),
    "classify": re.compile(
        r"\b(?:classif(?:y|ication|ies)|categori[sz]\w+|label|triage|rout(?:e|ing)|moderate|detect|tag)\b", _I
    ),
    "pick_one": re.compile(
        r"\b(?:choose|choosing|pick|select|which of|one of|out of|chosen|assign|identify (?:the|a|if|whether))\b", _I
    ),
    "answer_with": re.compile(
        r"\b(?:answer|reply|respond|output|return|state|report|say|give|write|print|mark)\b[^.?!]{0,12}"
        r"[\"'\u2018\u201c]?\b(?:yes|no|true|false|0|1|right|wrong|spam|[A-D], [A-D]|positive|negative)\b",
        _I,
    ),
    "listed_labels": re.compile(
        r"\b[\w'-]+(?: \w+)?, [\w'-]+(?: \w+)?,? (?:or|and) (?:an? )?[\w'-]+(?: \w+)?[.?)\"']*\s*$", _I
    ),
    "listed_after": re.compile(r"[:(]\s*[\"']?\w+(?: \w+)?[\"']?(?:, | or |/)", _I),
    "or": re.compile(r"\b\w+,? or (?:an? |the )?\w+", _I),
    "or_at_end": re.compile(r",? or \w+(?: \w+){0,2}[?.]?\s*$", _I),
    "asks_yes_or_no": re.compile(
        r"^(?:is|are|does|do|did|was|were|would|can|could|should|has|have|must)\b(?!.*\byou\b)", _I
    ),
    "given_text": re.compile(
        r"\b(?:given|following|this|provided|the) (?:\w+ )?(?:sentence|text|review|tweet|e-?mail|message|comment"
        r"|statement|passage|article|post|argument|dialogue|conversation|claim|headline|news)\b",
        _I,
    ),
    "judge": re.compile(
        r"^(?:analy[sz]e|determine|evaluate|assess|decide|detect|judge|predict|rate|check|verify|label)\b", _I
    ),
    "sets_of_opposites": re.compile(
        r"\b(?:positive|negative|neutral|spam|true|false|formal|informal|sarcas\w+|offensive|toxic|hate|biased|relevant"
        r"|grammatical|correct|entail\w+|contradict\w+|similar|duplicate|factual|satisfied|valid|plausible)\b",
        _I,
    ),
    "grade": re.compile(r"\b(?:low|medium|high|scale of|stars|urgent|level of|how (?:formal|likely|urgent))\b", _I),
    "open_verb": re.compile(
        r"(?:^|[.:;] )(?:write|create|design|develop|generate|compose|draft|list|explain|describe|summari[sz]e|suggest"
        r"|propose|make|give me|rewrite|translate|invent|plan|tell|construct|outline|produce|provide|imagine|convert"
        r"|find|compute|calculate|brainstorm|come up|discuss|paraphrase|edit|correct|turn|fix|add"
        r"|implement|build|craft)\b",
        _I,
    ),
    "open_question": re.compile(
        r"^(?:how (?:do|can|would|does|should|to|did|is|many|much)|why|what|who|where|when)\b", _I
    ),
    "open_noun": re.compile(
        r"\b(?:story|poem|essay|paragraph|list of|plan|strategy|recipe|speech|script|dialogue between|letter|summary"
        r"|report|guide|steps|ideas|examples?|tips|ways|list (?:\w+ )?(?:ten|five|three|four|six|\d+)"
        r"|reasons|synopsis|proposal)\b",
        _I,
    ),
    "counted": re.compile(r"\b(?:two|three|four|five|six|seven|eight|ten|\d+) (?:\w+ )?\w+s\b", _I),
    "explain_too": re.compile(r"\b(?:explain|justify|describe|discuss|summari[sz]e|suggest)\b", _I),
}
"""Each is present in an instruction or absent."""
PRIOR: dict[str, float] = {
    "whether": 1.5,
    "two_words": 1.5,
    "label_noun": 1.0,
    "classify": 1.5,
    "pick_one": 0.5,
    "answer_with": 1.0,
    "listed_labels": 0.5,
    "listed_after": 0.5,
    "or": 0.5,
    "or_at_end": 0.5,
    "asks_yes_or_no": 1.5,
    "given_text": 0.5,
    "judge": 0.5,
    "sets_of_opposites": 1.0,
    "grade": 0.5,
    "open_verb": -1.0,
    "open_question": -1.0,
    "open_noun": -1.0,
    "counted": -0.5,
    "explain_too": -0.5,
}
"""What each adds to the log-odds before any seed is seen; seeds move it."""


if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]


_BUCKETS = 1 << 14
_CUE_WEIGHT = 0.6
_RIDGE = 0.03
_FOLDS = 5
_TRAINED_ON_AT_MOST = 2000


@dataclass(frozen=True, slots=True)
class Rows:
    """Feature rows, each of Euclidean length about 1, as positions and values laid end to end."""

    columns: "NDArray[np.int64]"
    values: "Matrix"
    row_of: "NDArray[np.int64]"
    count: int


@dataclass(frozen=True, slots=True)
class Classifier:
    """A logistic regression over features of the instruction: is it a classification task?"""

    weights: "Matrix"
    bias: float

    def probability(self, instruction: str) -> float:
        """That the task is a classification task, if both kinds were equally common."""
        import numpy as np

        rows = _rows([instruction])
        return float(1 / (1 + np.exp(-(self.weights[rows.columns] @ rows.values + self.bias))))


def labelled(tasks: Sequence[Task]) -> list[Task]:
    """Tasks of which it is decided whether they are classification."""
    return [task for task in tasks if task.is_classification is not None]


def train(tasks: Sequence[Task]) -> Classifier:
    """Fit to labelled tasks, both kinds weighing the same: logistic loss, and a penalty on what is not the prior."""
    import numpy as np
    from scipy.optimize import minimize

    known = labelled(tasks)[:_TRAINED_ON_AT_MOST]
    answers = np.array([bool(task.is_classification) for task in known])
    if not answers.any() or answers.all():
        raise BadInput(
            "the seeds hold only one kind of task, so that nothing can be learnt from them",
            place="stage classify",
            fix="mark some seeds with `is_classification` true and some false, or set `by: model`",
        )
    rows = _rows([task.instruction for task in known])
    share = np.where(answers, 0.5 / answers.sum(), 0.5 / (~answers).sum())
    prior = np.concatenate([np.zeros(_BUCKETS), np.array(list(PRIOR.values())) / _CUE_WEIGHT])

    def loss(both: "Matrix") -> tuple[float, "Matrix"]:
        weights, bias = both[:-1], both[-1]
        margin = np.bincount(rows.row_of, weights[rows.columns] * rows.values, rows.count) + bias
        error = share * (1 / (1 + np.exp(-margin)) - answers)
        slope = np.bincount(rows.columns, error[rows.row_of] * rows.values, len(weights)) + _RIDGE * (weights - prior)
        least = (share * (np.logaddexp(0, margin) - answers * margin)).sum()
        return least + 0.5 * _RIDGE * ((weights - prior) ** 2).sum(), np.append(slope, error.sum())

    # scikit-learn, with 3 s to load and 48 MB, pulls weights towards 0 only.
    optimum = minimize(loss, np.append(prior, 0.0), jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-9})
    return Classifier(optimum.x[:-1], float(optimum.x[-1]))


def balanced_accuracy(truth: Sequence[bool], guesses: Sequence[bool]) -> float:
    """Mean of the shares found among either kind: 0.5 for "always no" and for chance.

    >>> balanced_accuracy([True, False, False], [False, False, False])
    0.5
    """
    shares = []
    for kind in (True, False):
        of_kind = [guess == kind for answer, guess in zip(truth, guesses, strict=True) if answer == kind]
        shares.append(sum(of_kind) / len(of_kind))
    return sum(shares) / 2


def cross_validate(seeds: Sequence[Task]) -> float:
    """Balanced accuracy on tasks it was not trained on: five folds, each with its part of both kinds."""
    known = labelled(seeds)
    by_kind = [[task for task in known if task.is_classification is kind] for kind in (True, False)]
    if min(map(len, by_kind)) < _FOLDS:
        raise BadInput(
            "fewer than five seeds of one kind", place="stage classify", fix="add labelled seeds, or set `by: model`"
        )
    truth: list[bool] = []
    guesses: list[bool] = []
    for fold in range(_FOLDS):
        held_out = [task for tasks in by_kind for task in tasks[fold::_FOLDS]]
        rest = [task for tasks in by_kind for at, task in enumerate(tasks) if at % _FOLDS != fold]
        classifier = train(rest)
        truth += [bool(task.is_classification) for task in held_out]
        guesses += [classifier.probability(task.instruction) > 0.5 for task in held_out]
    return balanced_accuracy(truth, guesses)


def _rows(instructions: Sequence[str]) -> Rows:
    import numpy as np

    columns: list[int] = []
    values: list[float] = []
    row_of: list[int] = []
    for row, instruction in enumerate(instructions):
        hashed = list(dict.fromkeys(zlib.crc32(name.encode()) % _BUCKETS for name in _names(instruction)))
        cues = [_BUCKETS + at for at, cue in enumerate(CUES.values()) if cue.search(instruction)]
        columns += hashed + cues
        values += [len(hashed) ** -0.5] * len(hashed) + [_CUE_WEIGHT] * len(cues)
        row_of += [row] * (len(hashed) + len(cues))
    return Rows(
        np.array(columns, dtype=np.int64), np.array(values), np.array(row_of, dtype=np.int64), len(instructions)
    )


def _names(instruction: str) -> Iterator[str]:
    """Words, pairs of words, the first word and the last, and letters inside words."""
    tokens = words(instruction)
    yield "length " + str(min(len(tokens) // 8, 5))
    yield from (f"first {word}" for word in tokens[:1])
    yield from (f"last {word}" for word in tokens[-1:])
    yield from tokens
    yield from (f"{left} {right}" for left, right in pairwise(tokens))
    for word in tokens:
        marked = f"<{word}>"
        yield from ("letters " + marked[at : at + 4] for at in range(len(marked) - 3))
