"""The switchboard: the name of a stage in YAML, and where its class lives; one line each."""

from collections.abc import Iterator, MutableMapping
from importlib import import_module

from selfinstruct.stage import Stage

_PLACES = {
    # generating
    "propose": "generate.propose:Propose",
    "filter": "curate.filter:Filter",
    "topic": "generate.stay_on_topic:StayOnTopic",
    "classify": "generate.classify:Classify",
    "instances": "generate.instances:MakeInstances",
    "prepare": "generate.prepare:Prepare",
    # cleaning
    "rules": "curate.apply_rules:ApplyRules",
    "exact": "dedup.exact:Exact",
    "near": "dedup.near:Near",
    "novelty": "dedup.filter:Novelty",
    "semantic": "dedup.semantic:Semantic",
    "decontaminate": "curate.contamination.decontaminate:Decontaminate",
    "verify": "curate.checks.verify:Verify",
    # rewriting
    "simplify": "curate.simplification.simplify:Simplify",
    # tone
    "fragment": "fragment.fragments:MakeFragments",
    "train_judge": "judge.train_judge:TrainJudge",
    "finetune": "finetune.finetune:Finetune",
    "score": "evaluate.score:Score",
    "objecqa": "evaluate.ask_objecqa:ObjecQA",
    "answer_set": "evaluate.answer_set:AnswerSet",
    "suite": "evaluate.suites.suite:Suite",
    "feedback": "evaluate.feedback:Feedback",
    # auditing
    "ablate": "audit.ablate:Ablate",
    # measuring and choosing
    "measure": "curate.measures.measure:Measure",
    "difficulty": "curate.measures.difficulty:Difficulty",
    "rate": "curate.measures.rate:Rate",
    "diversity": "curate.variety.diversity:Diversity",
    "balance": "curate.variety.balance:Balance",
    "select": "curate.variety.select:Select",
    "mix": "curate.mixture.mix:Mix",
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
        """Take one out."""
        del self._known[name]


STAGES = Stages(_PLACES)
