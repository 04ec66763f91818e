"""The table of stages: the name of each in YAML, and where its class lives; one line each."""

import dataclasses
import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from importlib import import_module
from typing import Any, ClassVar, cast, get_args

from selfinstruct import plugins
from selfinstruct.errors import BadInput
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Outcome, Scope, Stage
from selfinstruct.text import shown

_OURS = "selfinstruct."
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

_PLACES = {
    # generating
    "propose": "generate.propose:Propose",
    "filter": "curate.rules.filter_instructions:Filter",
    "topic": "generate.topic:StayOnTopic",
    "classify": "generate.classify:Classify",
    "instances": "generate.instances:MakeInstances",
    "prepare": "generate.prepare:Prepare",
    # cleaning
    "rules": "curate.rules.filter_records:ApplyRules",
    "exact": "dedup.exact:Exact",
    "near": "dedup.near:Near",
    "novelty": "dedup.novelty:Novelty",
    "semantic": "dedup.semantic:Semantic",
    "decontaminate": "curate.decontaminate:Decontaminate",
    "verify": "curate.checks.verify:Verify",
    # rewriting
    "simplify": "curate.simplification.simplify:Simplify",
    "expand": "curate.expand:Expand",
    # tone
    "fragment": "fragment.make_fragments:MakeFragments",
    "train_judge": "judge.train_judge:TrainJudge",
    "finetune": "finetune.finetune:Finetune",
    "score": "evaluate.score:Score",
    "objecqa": "evaluate.objecqa:ObjecQA",
    "answer_set": "evaluate.answer_set:AnswerSet",
    "suite": "evaluate.suites.suite:Suite",
    "judge_answers": "evaluate.judging.judge_answers:JudgeAnswers",
    "feedback": "evaluate.feedback:Feedback",
    # auditing
    "ablate": "audit.ablate:Ablate",
    "shift": "audit.shift:Shift",
    "knowledge": "audit.knowledge:Knowledge",
    "trace": "audit.trace:Trace",
    "forget": "audit.forget:Forget",
    # measuring and choosing
    "measure": "curate.measures.measure:Measure",
    "difficulty": "curate.measures.difficulty:Difficulty",
    "rate": "curate.measures.rate:Rate",
    "diversity": "curate.variety.diversity:Diversity",
    "balance": "curate.variety.balance:Balance",
    "select": "curate.variety.select:Select",
    "mix": "curate.mix:Mix",
    "split": "dedup.split:Split",
}


class Stages(MutableMapping[str, type[Stage]]):
    """Stages by name; the module of one is imported when it is asked for, for a recipe names few of them."""

    def __init__(self, places: dict[str, str]) -> None:
        """`places` says module and class of each, as "room.module:Class" below this package."""
        self._known: dict[str, str | type[Stage]] = {**places}

    def __getitem__(self, name: str) -> type[Stage]:
        """KeyError for a stage nobody wrote."""
        known = self._known[name]
        if not isinstance(known, str):
            return known
        module, _, written = known.partition(":")
        stage: type[Stage] = getattr(import_module(f"selfinstruct.{module}"), written)
        return stage

    def place(self, name: str) -> str:
        """Module and class of a stage that comes with the package, as the table has it; imports nothing."""
        return _PLACES[name]

    def own(self, name: str) -> type[Stage] | None:
        """The class of that name, where it has been put in or imported already."""
        known = self._known.get(name)
        return None if isinstance(known, str) else known

    def __contains__(self, name: object) -> bool:
        """Whether it is known; imports nothing."""
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of the table."""
        return iter(self._known)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._known)

    def __setitem__(self, name: str, stage: type[Stage]) -> None:
        """Put in a stage of one's own."""
        self._known[name] = stage

    def __delitem__(self, name: str) -> None:
        """Forget a stage that was added."""
        del self._known[name]


STAGES = Stages(_PLACES)


def stage_class(name: str, place: str) -> type[Stage]:
    """The class that a recipe means: one of ours, of a package that is installed, or at a dotted path.

    BadInput lists those that exist, or says what the class lacks.
    """
    if name in STAGES:
        return STAGES[name]
    plugin = plugins.find("stages", name, place)
    if plugin is None:
        known = (*STAGES, *plugins.names("stages"))
        close = difflib.get_close_matches(name, known, 1)
        hint = f" (did you mean '{close[0]}'?)" if close else ""
        fix = "stages: " + ", ".join(known) + "; one of your own: package.module:Class"
        raise BadInput(f"no stage '{shown(name)}'{hint}", place=place, fix=fix)
    thing = plugin.load(place)
    if callable(thing) and not isinstance(thing, type):
        if not _takes_records_and_bench(thing):
            what = f"stage '{shown(name)}': {shown(plugin.where)} takes no records and bench, as a stage does"
            raise BadInput(what, place=place, fix="write a function(records, bench) that yields outcomes, or a class")
        thing = _of_function(thing)
    return _checked(thing, plugin, place)


@dataclasses.dataclass(frozen=True)
class FunctionStage(Stage):
    """A function of records and a bench that yields outcomes, as a stage without knobs that sees all records."""

    name: ClassVar[str] = "function"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"
    word: ClassVar[str] = ""
    """By which a recipe names it."""
    function: ClassVar[Callable[[Sequence[Task], Bench], Iterator[Outcome]]]

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        """What the function yields."""
        return type(self).function(records, bench)


def _takes_records_and_bench(function: Callable[..., Any]) -> bool:
    """Whether two arguments can be given to it; a rule, for instance, takes a task alone."""
    try:
        inspect.signature(function).bind((), None)
    except TypeError:
        return False
    except ValueError:  # one that is not written in Python does not say
        return True
    return True


def _of_function(function: Callable[..., Any]) -> type[FunctionStage]:
    called = getattr(function, "__name__", "")
    facts = {"name": called if _NAME.fullmatch(called) else "function", "word": plugins.hand_over(function)}
    about = {"__doc__": function.__doc__, "__module__": plugins.module_of(function)}
    body = {**facts, **about, "function": staticmethod(function)}
    return dataclasses.dataclass(frozen=True)(type("FunctionStage", (FunctionStage,), body))


def code_of(stages: Iterable[Stage]) -> dict[str, str]:
    """By dotted path, the hash of the source of each stage and rule that no package brings, in their order."""
    hashes: dict[str, str] = {}
    for stage in stages:
        named = [plugin_of(stage), *(plugins.find("rules", name) for name in stage.needs.rules)]
        hashes |= {
            plugin.where: plugins.source_hash(plugin.load())
            for plugin in named
            if plugin is not None and not plugin.package
        }
    return hashes


def recipe_name(stage: Stage) -> str:
    """How a recipe names it, so that reading the recipe again gives the same stage: its name, or a dotted path."""
    if isinstance(stage, FunctionStage):
        return stage.word
    made = type(stage)
    if made.__module__.startswith(_OURS) or STAGES.own(stage.name) is made:
        return stage.name
    where = plugins.hand_over(made)
    given = [plugin.name for plugin in plugins.installed("stages") if plugin.where == where]
    return given[0] if len(given) == 1 and given[0] not in STAGES else where


def plugin_of(stage: Stage) -> plugins.Plugin | None:
    """What it is to a fingerprint; None for one of ours."""
    name = recipe_name(stage)
    ours = type(stage).__module__.startswith(_OURS) and not isinstance(stage, FunctionStage)
    return None if name in STAGES or ours else plugins.find("stages", name)


def _checked(made: object, plugin: plugins.Plugin, place: str) -> type[Stage]:
    """BadInput for a thing that is no stage, saying what it lacks."""
    who = f"stage '{shown(plugin.name)}'"
    fix = "write a frozen dataclass that derives from selfinstruct.stage.Stage, with name, version, scope and __call__"
    if not isinstance(made, type) or not dataclasses.is_dataclass(made):
        raise BadInput(f"{who}: {plugin.where} is no dataclass", place=place, fix=fix)
    facts = {name: value for base in reversed(made.__mro__) for name, value in vars(base).items()}
    lacking = [name for name in ("name", "version", "scope", "needs", "__call__") if name not in facts]
    if lacking:
        raise BadInput(f"{who}: {plugin.where} has no {', '.join(lacking)}", place=place, fix=fix)
    name, version, scope = facts["name"], facts["version"], facts["scope"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadInput(f"{who}: its name is no word of small letters", place=place, fix="name it like `count_words`")
    if name in STAGES:
        raise BadInput(f"{who}: its name '{name}' is that of a stage of ours", place=place, fix="name it otherwise")
    if not isinstance(version, int) or scope not in get_args(Scope):
        what = f"{who}: version {version!r} or scope {scope!r} is none"
        raise BadInput(what, place=place, fix=f"a whole number, and one of {', '.join(get_args(Scope))}")
    return cast("type[Stage]", made)
