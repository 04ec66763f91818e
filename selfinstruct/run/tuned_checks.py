"""What a recipe that tunes a student must have, checked before anything is paid or trained."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from selfinstruct.errors import BadInput
from selfinstruct.run.yaml_file import YamlFile
from selfinstruct.stage import Stage

if TYPE_CHECKING:
    from selfinstruct.run.recipe import Resolved

_CHECKED = "ifs-v1:dev"
"""What a training is stopped by."""
_TASTE = "objecqa-v1"
PROMPT_SETS = ("ifs-v1", _TASTE)
"""What checks and scores ask: nothing of it may be in what is trained on."""


def check_tuned(resolved: "Resolved", file: YamlFile) -> None:
    """BadInput where a student could learn the prompts that it is asked."""
    first = next((place for place, stage in enumerate(resolved.stages) if stage.needs.tunes), None)
    if first is None:
        return
    against = {one for stage in (*resolved.rounds, *resolved.stages[:first]) for one in stage.needs.against}
    for asked in _asked(resolved.stages[first:]):
        whole = asked.partition(":")[0]
        if whole in PROMPT_SETS and not {asked, whole} & against:
            what = f"`finetune` may learn what is asked of its student: nothing is taken out that is like {asked}"
            fix = f"put `decontaminate: {{against: [{', '.join(PROMPT_SETS)}]}}` before it"
            raise BadInput(what, place=file.place(("stages", first)), fix=fix)


def _asked(stages: Sequence[Stage]) -> Iterator[str]:
    """Sets of prompts that a student is asked, in training and after it."""
    for stage in stages:
        checks = stage.needs.checks
        if checks is not None and checks.tone:
            yield _CHECKED
        if checks is not None and checks.taste:
            yield _TASTE
        yield from stage.needs.prompts
