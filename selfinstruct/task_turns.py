"""A task and one of its instances as the turns of a conversation, for whoever publishes or trains on them."""

from collections.abc import Callable

from selfinstruct.prompt_templates import user_turn
from selfinstruct.records import Instance, Message, Task


def turns(task: Task, pair: Instance, join: Callable[[str, str], str] = user_turn) -> list[Message]:
    r"""The whole conversation, its system turn first.

    `join` makes the user's first turn of instruction and input: `user_turn`, so that a published set comes back letter
    for letter, or `joined`, as models are asked.

    >>> from selfinstruct.records import Provenance
    >>> task = Task(instruction="Sort.", system="Be brief.", provenance=Provenance(stage="input"))
    >>> [(turn.role, turn.content) for turn in turns(task, Instance("b a", "a b"))]
    [('system', 'Be brief.'), ('user', 'Sort.\n\nb a'), ('assistant', 'a b')]
    """
    opening = [Message("system", task.system)] if task.system else []
    return [
        *opening,
        Message("user", join(task.instruction, pair.input)),
        Message("assistant", pair.output),
        *task.later,
    ]
