"""How a model in memory is asked, and what a training script of a user's own measures its tone with."""

from collections.abc import Sequence

from selfinstruct.errors import BadInput
from selfinstruct.finetune.preserve_training_state import evaluating
from selfinstruct.models.backend import CallError
from selfinstruct.records import Choice, Request
from selfinstruct.run.judges import LINEAR, open_judge
from selfinstruct.run.material import prompt_set
from selfinstruct.stage import Loaded
from selfinstruct.tone.objecqa import OBJECQA
from selfinstruct.tone.probe import DEV_PROMPTS, ToneProbe


def ask_loaded(loaded: Loaded, requests: Sequence[Request]) -> list[Choice]:
    """`Bench.ask_loaded`: in batches, by the decoder of this package."""
    from selfinstruct.models.transformers_decode import Decoder

    with evaluating(loaded.model):
        try:
            answers = Decoder(loaded).replies(requests)
        except CallError as fault:
            raise BadInput(fault.message, place="the model in memory", fix="give it a shorter prompt") from fault
    return [answer.choices[0] for answer in answers]


def ifs_v1(wrapper: str = "chat", first: int = 0, *, objecqa: bool = False, judge: str = LINEAR) -> ToneProbe:
    """What `StopOnIFS` takes, with the shipped prompts and judge, for a training script of your own.

    `wrapper`: how prompts are put, best as it was tuned (tone/wrappers.py); `first`: only so many instructions, 0 for
    all 150; `objecqa`: the questions of taste, too; `judge`: a shipped one's name or a folder, by default the linear
    one, which takes no time beside the model's answers.
    """
    return ToneProbe.of_tasks(
        prompt_set(DEV_PROMPTS),
        prompt_set(OBJECQA) if objecqa else (),
        judge=open_judge(judge),
        ask=ask_loaded,
        wrapper=wrapper,
        first=first,
    )
