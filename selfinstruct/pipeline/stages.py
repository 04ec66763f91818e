"""The switchboard: the name of a stage in YAML, and the class behind it; one line each."""

from selfinstruct.curate.apply_rules import ApplyRules
from selfinstruct.curate.checks.verify import Verify
from selfinstruct.curate.contamination.decontaminate import Decontaminate
from selfinstruct.curate.filter import Filter
from selfinstruct.curate.measures.difficulty import Difficulty
from selfinstruct.curate.measures.measure import Measure
from selfinstruct.curate.measures.rate import Rate
from selfinstruct.curate.mixture.mix import Mix
from selfinstruct.curate.simplification.simplify import Simplify
from selfinstruct.curate.variety.balance import Balance
from selfinstruct.curate.variety.diversity import Diversity
from selfinstruct.curate.variety.select import Select
from selfinstruct.fragment.fragments import MakeFragments
from selfinstruct.generate.classify import Classify
from selfinstruct.generate.instances import MakeInstances
from selfinstruct.generate.prepare import Prepare
from selfinstruct.generate.propose import Propose
from selfinstruct.judge.train_judge import TrainJudge
from selfinstruct.novelty.exact import Exact
from selfinstruct.novelty.filter import Novelty
from selfinstruct.novelty.near import Near
from selfinstruct.novelty.semantic import Semantic
from selfinstruct.novelty.split import Split
from selfinstruct.score.answer_set import AnswerSet
from selfinstruct.score.ask_objecqa import ObjecQA
from selfinstruct.score.feedback import Feedback
from selfinstruct.score.score import Score
from selfinstruct.stage import Stage

STAGES: dict[str, type[Stage]] = {
    # generating
    "propose": Propose,
    "filter": Filter,
    "classify": Classify,
    "instances": MakeInstances,
    "prepare": Prepare,
    # cleaning
    "rules": ApplyRules,
    "exact": Exact,
    "near": Near,
    "novelty": Novelty,
    "semantic": Semantic,
    "decontaminate": Decontaminate,
    "verify": Verify,
    # rewriting
    "simplify": Simplify,
    # tone
    "fragment": MakeFragments,
    "train_judge": TrainJudge,
    "score": Score,
    "objecqa": ObjecQA,
    "answer_set": AnswerSet,
    "feedback": Feedback,
    # measuring and choosing
    "measure": Measure,
    "difficulty": Difficulty,
    "rate": Rate,
    "diversity": Diversity,
    "balance": Balance,
    "select": Select,
    "mix": Mix,
    "split": Split,
}
