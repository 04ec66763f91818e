"""The shipped judges of tone, which of them a run takes, how any is opened, and how a model in training is judged."""

import importlib.util
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from selfinstruct.errors import BadInput
from selfinstruct.finetune.preserve_training_state import evaluating
from selfinstruct.judge.judge_folder import FACTS, load_judge
from selfinstruct.models.backend import CallError
from selfinstruct.records import Choice, Request
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.seeds_and_benchmarks import prompt_set
from selfinstruct.stage import Loaded, Stage, Tone
from selfinstruct.tone.ask_loaded_model import DEV_PROMPTS, ToneProbe
from selfinstruct.tone.objecqa_share import OBJECQA

if TYPE_CHECKING:
    from selfinstruct.models.transformers_scoring import EmbeddedStates


_ROOM = Path(__file__).parents[1] / "judge"
SHIPPED = ("ifs-v1", "ifs-v2", "ifs-v2-linear")
"""`ifs-v2` looks into the embedded model; `ifs-v2-linear` needs NumPy alone; `ifs-v1` keeps old numbers comparable."""
CANONICAL, LINEAR = "ifs-v2", "ifs-v2-linear"
OF_THIS_RUN = "judge"
"""What a recipe calls the judge that an earlier stage of it trains."""
_PACKAGES = ("torch", "transformers", "safetensors")
OWN_JUDGE = "SELFINSTRUCT_JUDGE"
"""The environment variable that names the judge of whatever names none."""


def default_judge() -> str:
    """What `SELFINSTRUCT_JUDGE` says; else the canonical judge where what it needs is here, and the linear one."""
    return os.environ.get(OWN_JUDGE) or (LINEAR if lacking() else CANONICAL)


def lacking() -> str:
    """What the canonical judge needs and is not here, in words; empty: all is."""
    from selfinstruct.models.weights import embedded_weights

    absent = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        return f"{', '.join(absent)} (pip install 'selfinstruct[train]')"
    try:
        embedded_weights()
    except BadInput:
        return "the embedded model (selfinstruct fetch embedded)"
    return ""


def open_judge(named: str = "") -> Tone:
    """A shipped judge by its name, or the one in a folder; by default `default_judge`.

    Raises:
        BadInput: there is none, it is damaged, or it needs what is not here.
    """
    named = named or default_judge()
    folder = judge_folder(named)
    if named == CANONICAL and (absent := lacking()):
        what = f"the judge {CANONICAL} needs what is not here: {absent}"
        raise BadInput(what, fix=f"install it, or take the judge {LINEAR}, whose scores are others")
    return load_judge(folder, hidden_states())


def judge_folder(named: str) -> Path:
    """Path of the folder of a judge."""
    return _ROOM / named if named in SHIPPED else Path(named)


@cache
def hidden_states() -> "EmbeddedStates":
    """What probes look into; one for a process, for the model behind it is loaded once, and only if asked."""
    from selfinstruct.models.transformers_scoring import EmbeddedStates

    return EmbeddedStates()


def judges_for(stage: Stage, built: Mapping[str, Path]) -> Mapping[str, Tone]:
    """The judge that a stage names: a shipped one, one in a folder, or the one this run built."""
    judge = stage.needs.judge
    if judge is None:
        return {}
    named = judge.named or (OF_THIS_RUN if OF_THIS_RUN in built else default_judge())
    if named != OF_THIS_RUN:
        return {named: open_judge(named)}
    return {named: load_judge(built[named], hidden_states())} if named in built else {}


def with_judges(resolved: Resolved, folder: Path | None) -> Resolved:
    """The same recipe with a judge's name wherever one is asked and none was named.

    A run that was begun in `folder` keeps those it began with. A training that checks a model takes the linear one,
    which is fast and the same everywhere.
    """
    before = {} if folder is None else _begun_with(folder / "recipe.yaml")
    made, trains = [], False
    for place, stage in enumerate(resolved.stages):
        trains = trains or stage.needs.builds_judge
        judge = stage.needs.judge
        if judge is None or judge.named:
            made.append(stage)
            continue
        default = OF_THIS_RUN if trains else LINEAR if judge.fast else ""
        named = default or before.get((place, stage.name)) or default_judge()
        made.append(replace(stage, **{judge.knob: named}))  # type: ignore[type-var]  # stages are dataclasses
    return replace(resolved, stages=tuple(made))


def _begun_with(recipe: Path) -> dict[tuple[int, str], str]:
    """The judges in a written recipe, by place and name of the stage; nothing where there is none that can be read."""
    try:
        recipe_yaml = yaml.safe_load(recipe.read_text(encoding="utf-8"))
        stages = [next(iter(step.items())) for step in recipe_yaml["stages"] if isinstance(step, dict)]
    except (OSError, ValueError, KeyError, TypeError, StopIteration, RecursionError, yaml.YAMLError):
        return {}
    return {
        (place, name): str(knobs["judge"])
        for place, (name, knobs) in enumerate(stages)
        if isinstance(knobs, dict) and knobs.get("judge")
    }


def check_judge(stage: Stage) -> None:
    """BadInput for a judge that is not there, or that needs what is not here."""
    named = "" if stage.needs.judge is None else stage.needs.judge.named
    if named in {"", OF_THIS_RUN}:
        return
    if not (judge_folder(named) / FACTS).is_file():
        known = ", ".join(SHIPPED)
        what = f"no judge in '{named}'"
        raise BadInput(what, place=f"stage {stage.name}: judge", fix=f"name a folder of train-judge, or one of {known}")
    if named == CANONICAL and (absent := lacking()):
        fix = f"install it, or take judge: {LINEAR} in another folder: its scores are others"
        raise BadInput(f"the judge {CANONICAL} needs what is not here: {absent}", place=f"stage {stage.name}", fix=fix)


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

    `wrapper`: how prompts are put, best as it was tuned (tone/prompt_wrappers.py); `first`: only so many
    instructions, 0 for all 150; `objecqa`: the questions of taste, too; `judge`: a shipped one's name or a folder, by
    default the linear one, which takes no time beside the model's answers.
    """
    return ToneProbe.of_tasks(
        prompt_set(DEV_PROMPTS),
        prompt_set(OBJECQA) if objecqa else (),
        judge=open_judge(judge),
        ask=ask_loaded,
        wrapper=wrapper,
        first=first,
    )
