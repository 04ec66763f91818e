"""From a few seed tasks and any language model to an instruction set in which every record is accounted for.

    import selfinstruct as si

    run = si.Recipe(inputs=["a.json"], stages=[si.Exact(), si.NearDuplicates(jaccard=0.8)]).run("runs/x")
    run.kept, run.rejected.by_reason, run.why(id), run.dataset()

Everything is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from selfinstruct.version import __version__ as __version__

if TYPE_CHECKING:
    from selfinstruct.audit.ablate import Ablate
    from selfinstruct.audit.forget import Forget
    from selfinstruct.audit.knowledge import Knowledge
    from selfinstruct.audit.shift import Shift
    from selfinstruct.audit.trace import Trace
    from selfinstruct.curate.checks.verify import Verify
    from selfinstruct.curate.decontaminate import Decontaminate
    from selfinstruct.curate.expand import Expand
    from selfinstruct.curate.measures.difficulty import Difficulty
    from selfinstruct.curate.measures.measure import Measure
    from selfinstruct.curate.measures.rate import Rate
    from selfinstruct.curate.mix import Mix
    from selfinstruct.curate.rules.filter_instructions import Filter
    from selfinstruct.curate.rules.filter_records import ApplyRules as Rules
    from selfinstruct.curate.simplification.simplify import Simplify
    from selfinstruct.curate.variety.balance import Balance
    from selfinstruct.curate.variety.diversity import Diversity
    from selfinstruct.curate.variety.select import Select
    from selfinstruct.dedup.exact import Exact
    from selfinstruct.dedup.near import Near as NearDuplicates
    from selfinstruct.dedup.novelty import Novelty
    from selfinstruct.dedup.semantic import Semantic as SemanticDuplicates
    from selfinstruct.dedup.split import Split
    from selfinstruct.errors import BadInput, Stopped
    from selfinstruct.evaluate.answer_set import AnswerSet
    from selfinstruct.evaluate.feedback import Feedback
    from selfinstruct.evaluate.judging.judge_answers import JudgeAnswers
    from selfinstruct.evaluate.objecqa import ObjecQA
    from selfinstruct.evaluate.score import Score
    from selfinstruct.evaluate.suites.suite import Suite
    from selfinstruct.finetune import StopOnIFS
    from selfinstruct.finetune.finetune import Finetune
    from selfinstruct.fragment.make_fragments import MakeFragments as Fragment
    from selfinstruct.generate.classify import Classify
    from selfinstruct.generate.instances import MakeInstances
    from selfinstruct.generate.prepare import Prepare
    from selfinstruct.generate.propose import Propose
    from selfinstruct.generate.topic import StayOnTopic
    from selfinstruct.judge.train_judge import TrainJudge
    from selfinstruct.records import Failure, Instance, Message, Provenance, Task
    from selfinstruct.run.inputs import read_tasks_of as read_set
    from selfinstruct.run.lm_eval_harness import harness
    from selfinstruct.run.python_calls import Applied, AskedModel, apply, load_model
    from selfinstruct.run.recipe.python_recipe import Recipe, generate_set
    from selfinstruct.run.run_reader import Run, load_run
    from selfinstruct.run.score_without_run import compare_folders as compare
    from selfinstruct.run.score_without_run import ifs
    from selfinstruct.stage import Bench, Built, Failed, Kept, Measured, Outcome, Rejected, Stage

_STAGES = {
    "Ablate": "ablate",
    "AnswerSet": "answer_set",
    "Balance": "balance",
    "Classify": "classify",
    "Decontaminate": "decontaminate",
    "Difficulty": "difficulty",
    "Diversity": "diversity",
    "Exact": "exact",
    "Expand": "expand",
    "Feedback": "feedback",
    "Filter": "filter",
    "Finetune": "finetune",
    "Forget": "forget",
    "Fragment": "fragment",
    "JudgeAnswers": "judge_answers",
    "Knowledge": "knowledge",
    "MakeInstances": "instances",
    "Measure": "measure",
    "Mix": "mix",
    "NearDuplicates": "near",
    "Novelty": "novelty",
    "ObjecQA": "objecqa",
    "Prepare": "prepare",
    "Propose": "propose",
    "Rate": "rate",
    "Rules": "rules",
    "Score": "score",
    "Select": "select",
    "SemanticDuplicates": "semantic",
    "Shift": "shift",
    "Simplify": "simplify",
    "Split": "split",
    "StayOnTopic": "topic",
    "Suite": "suite",
    "Trace": "trace",
    "TrainJudge": "train_judge",
    "Verify": "verify",
}
"""The class of each stage, and what a recipe calls it."""

_PLACES = {
    "Applied": "run.python_calls:Applied",
    "AskedModel": "run.python_calls:AskedModel",
    "BadInput": "errors:BadInput",
    "Bench": "stage:Bench",
    "Built": "stage:Built",
    "Failed": "stage:Failed",
    "Failure": "records:Failure",
    "Instance": "records:Instance",
    "Kept": "stage:Kept",
    "Measured": "stage:Measured",
    "Message": "records:Message",
    "Provenance": "records:Provenance",
    "Recipe": "run.recipe.python_recipe:Recipe",
    "Outcome": "stage:Outcome",
    "Rejected": "stage:Rejected",
    "Run": "run.run_reader:Run",
    "Stage": "stage:Stage",
    "StopOnIFS": "finetune:StopOnIFS",
    "Stopped": "errors:Stopped",
    "Task": "records:Task",
    "apply": "run.python_calls:apply",
    "compare": "run.score_without_run:compare_folders",
    "generate_set": "run.recipe.python_recipe:generate_set",
    "harness": "run.lm_eval_harness:harness",
    "ifs": "run.score_without_run:ifs",
    "load_model": "run.python_calls:load_model",
    "load_run": "run.run_reader:load_run",
    "read_set": "run.inputs:read_tasks_of",
}
"""Every other name, and where it lives."""

__all__ = [
    "Ablate",
    "AnswerSet",
    "Applied",
    "AskedModel",
    "BadInput",
    "Balance",
    "Bench",
    "Built",
    "Classify",
    "Decontaminate",
    "Difficulty",
    "Diversity",
    "Exact",
    "Expand",
    "Failed",
    "Failure",
    "Feedback",
    "Filter",
    "Finetune",
    "Forget",
    "Fragment",
    "Instance",
    "JudgeAnswers",
    "Kept",
    "Knowledge",
    "MakeInstances",
    "Measure",
    "Measured",
    "Message",
    "Mix",
    "NearDuplicates",
    "Novelty",
    "ObjecQA",
    "Outcome",
    "Prepare",
    "Propose",
    "Provenance",
    "Rate",
    "Recipe",
    "Rejected",
    "Rules",
    "Run",
    "Score",
    "Select",
    "SemanticDuplicates",
    "Shift",
    "Simplify",
    "Split",
    "Stage",
    "StayOnTopic",
    "StopOnIFS",
    "Stopped",
    "Suite",
    "Task",
    "Trace",
    "TrainJudge",
    "Verify",
    "apply",
    "compare",
    "generate_set",
    "harness",
    "ifs",
    "load_model",
    "load_run",
    "read_set",
]

if not TYPE_CHECKING:  # else a name that does not exist would pass the type checker

    def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has that name
        """The object of that name, loaded now."""
        from dataclasses import is_dataclass

        if name in _STAGES:
            stage: Any = import_module("selfinstruct.run.recipe.stage_names").STAGES[_STAGES[name]]
            loaded = import_module("selfinstruct.arguments").knobs_checked(stage, name)
        elif name in _PLACES:
            module, _, attribute = _PLACES[name].partition(":")
            loaded = getattr(import_module(f"selfinstruct.{module}"), attribute)
            if module in {"records", "stage"} and is_dataclass(loaded):
                loaded = import_module("selfinstruct.arguments").fields_checked(loaded, name)
        else:
            raise AttributeError(f"module 'selfinstruct' has no attribute '{name}'")
        globals()[name] = loaded
        return loaded


def __dir__() -> list[str]:
    """The public names."""
    return sorted((*__all__, "__version__"))
