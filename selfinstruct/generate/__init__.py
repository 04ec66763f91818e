"""Seeds become tasks: instructions proposed, told apart, given instances.

In: the pool of seeds and of what earlier rounds kept. Out: tasks with instances, and everything that was dropped on
the way, each with its reason. Papers: Self-Instruct (Wang et al. 2023, arXiv 2212.10560) and Stanford Alpaca.

To change                                       open
how many demonstrations, which temperature      propose_settings.py (tables)
a prompt's words                                prompts/*.txt (raise its version)
how a prompt is built, what it may answer       propose_prompts.py
how an answer is read                           parse_instructions.py (lists), parse_instances.py (instances, entries)
which tasks are shown                           propose.py
what is on topic                                topic.py
how classification tasks are told apart         classify.py; without a model offline_classifier.py
how instances are asked for                     instances.py
which instances are dropped                     prepare.py
the thirteen training templates                 encode.py
what the released program does, bit for bit     reference_program.py
"""

from typing import TYPE_CHECKING

from selfinstruct.public_names import public_names

if TYPE_CHECKING:
    from selfinstruct.generate.classify import Classify
    from selfinstruct.generate.instances import MakeInstances
    from selfinstruct.generate.prepare import Prepare
    from selfinstruct.generate.propose import Propose
    from selfinstruct.generate.topic import StayOnTopic

__all__ = ["Classify", "MakeInstances", "Prepare", "Propose", "StayOnTopic"]

if not TYPE_CHECKING:  # else a name that does not exist would pass the type checker
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "Classify": "classify:Classify",
            "MakeInstances": "instances:MakeInstances",
            "Prepare": "prepare:Prepare",
            "Propose": "propose:Propose",
            "StayOnTopic": "topic:StayOnTopic",
        },
    )
