"""Small tasks to curate."""

from selfinstruct.records import Instance, Message, Provenance, Task


def task(
    instruction: str = "Name a river.",
    *pairs: tuple[str, str],
    later: tuple[tuple[str, str], ...] = (),
    prompt: str = "",
    is_classification: bool | None = None,
    ordinal: int = 0,
    **measures: float,
) -> Task:
    """A task as it was read; `later` are pairs of a user's and an assistant's turn."""
    turns: list[Message] = []
    for question, answer in later:
        turns += [Message("user", question), Message("assistant", answer)]
    return Task(
        instruction=instruction,
        instances=tuple(Instance(*pair) for pair in pairs),
        is_classification=is_classification,
        later=tuple(turns),
        provenance=Provenance(stage="input", source="set.jsonl", prompt=prompt),
        ordinal=ordinal,
        measures=measures,
    )
