"""What people find when they read, and what a model does with its instructions.

In: published tasks, and sheets that people filled in. Out: a sheet to fill in; the four rates with their intervals, and
how far two readers agree. Paper: Self-Instruct (Wang et al. 2023, arXiv 2212.10560), table 2.

In, for `ablate`: tasks in the NatInst layout, and a model. Out: `ablation.json`, with what each change of an
instruction costs, beside guessing and with a control. Papers: Kung and Peng 2023 (arXiv 2305.11383), Yin et al. 2023
(arXiv 2306.01150).

In, for `shift`, `knowledge` and `trace`: weights before and after a tuning, prompts, facts or the training set. Out:
how far each token moved, which facts were lost, which records taught what is said; `forget`: a set without some.
Papers: URIAL (Lin et al. 2023, arXiv 2312.01552), A closer look (Ghosh et al. 2024, arXiv 2402.05119).

To change the sheet on which tasks are judged        open review_sheet.py; answers on four levels, rating_sheet.py
To change how a model is asked in an ablation        open ablate.py (the stage `Ablate`)
To change what counts as a task, guessing            open ablate_tasks.py; a condition, ablate_conditions.py
To change when something is called equal             open ablate_statistics.py
To change the results of an ablation                 open ablate_results.py; as a table, ablate_markdown.py
To change what trained arms learn and show           open ablate_training.py
To change how two models are looked into             open model_pair.py
To change what is counted of a token                 open shift_tokens.py; of all of them, shift_statistics.py
To change how facts are ranked                       open knowledge_facts.py
To change which words are traced                     open trace_spans.py
To change where they are looked for, in which order  open trace_index.py
To change what retunings show                        open trace_counterfactual.py
To change how copying of a set's manner is measured  open pattern_copying.py
To change what a verb prints at its end              open console_summary.py
"""

from typing import TYPE_CHECKING

from selfinstruct.public_names import public_names

if TYPE_CHECKING:
    from selfinstruct.audit.ablate import Ablate
    from selfinstruct.audit.forget import Forget
    from selfinstruct.audit.knowledge import Knowledge
    from selfinstruct.audit.shift import Shift
    from selfinstruct.audit.trace import Trace

__all__ = ["Ablate", "Forget", "Knowledge", "Shift", "Trace"]

if not TYPE_CHECKING:  # else a name that does not exist would pass the type checker
    __getattr__, __dir__ = public_names(
        __name__,
        {
            "Ablate": "ablate:Ablate",
            "Forget": "forget:Forget",
            "Knowledge": "knowledge:Knowledge",
            "Shift": "shift:Shift",
            "Trace": "trace:Trace",
        },
    )
