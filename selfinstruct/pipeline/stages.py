"""The switchboard: the name of a stage in YAML, and the class behind it; one line each."""

from selfinstruct.curate.filter import Filter
from selfinstruct.generate.classify import Classify
from selfinstruct.generate.instances import MakeInstances
from selfinstruct.generate.prepare import Prepare
from selfinstruct.generate.propose import Propose
from selfinstruct.novelty.filter import Novelty
from selfinstruct.stage import Stage

STAGES: dict[str, type[Stage]] = {
    "propose": Propose,
    "filter": Filter,
    "novelty": Novelty,
    "classify": Classify,
    "instances": MakeInstances,
    "prepare": Prepare,
}
