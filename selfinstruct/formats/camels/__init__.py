"""The twelve sets of the Camels paper (Wang et al. 2023), each from its published layout to tasks by the paper's rules.

In come the values of a published file (`lines.read_each`, for Super-NaturalInstructions `read_superni`); out go
tasks, and for what makes no task an `Unreadable` with its reason. The instruction of such a task is the whole prompt
as the paper renders it, so its input is empty. `extra["dataset"]` names the set, `extra["id"]` is the set's own id.

To change the random templates, or rows of instruction, input and output, open `instructions.py`; the shares of the FLAN
collection `flan.py`; how many instances of a task `superni_prompts.py`; how conversations are cut and trees walked
`dialogues.py`; how HTML is read `html_to_markdown.py`; what all share `checked_values.py`.
"""

from collections.abc import Mapping

from selfinstruct.formats.camels.checked_values import COMPAT, Converter
from selfinstruct.formats.camels.dialogues import Baize, OpenAssistant, ShareGPT
from selfinstruct.formats.camels.flan import COT, FLAN_V2
from selfinstruct.formats.camels.instructions import ALPACA, CODE_ALPACA, DOLLY, GPT4_ALPACA, SELF_INSTRUCT, Unnatural
from selfinstruct.formats.camels.superni_prompts import SuperNI, read_superni

__all__ = ["CAMELS", "COMPAT", "Converter", "read_superni"]

CAMELS: Mapping[str, Converter] = {
    "superni": SuperNI(),
    "cot": COT,
    "flan_v2": FLAN_V2,
    "dolly": DOLLY,
    "oasst1": OpenAssistant(),
    "self_instruct": SELF_INSTRUCT,
    "unnatural": Unnatural(),
    "alpaca": ALPACA,
    "code_alpaca": CODE_ALPACA,
    "gpt4_alpaca": GPT4_ALPACA,
    "baize": Baize(),
    "sharegpt": ShareGPT(),
}
