"""`--set` words: values of a recipe changed from the command line, before the recipe is checked."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.pipeline.yaml_file import check_text, parse_yaml
from selfinstruct.text import shown


def with_changes(value: Mapping[str, Any], changes: Sequence[str], keys: Container[str]) -> dict[str, Any]:
    """A copy of the recipe with `--set` words such as `novelty.rouge_l_below=0.6` applied; `keys`: those at the top."""
    changed = dict(value)
    for word in changes:
        check_text(word, "--set")
        path, equals, text = word.partition("=")
        if not equals or not path:
            raise BadInput(f"'{shown(word)}'", place="--set", fix="write stage.knob=value or key=value")
        _change(changed, path, _given(text), keys)
    return changed


def _given(text: str) -> object:
    """The value of a `--set` word: YAML, or the words as they stand where they are no YAML."""
    try:
        return parse_yaml(text.encode(), "--set").value
    except BadInput:
        return text


def _change(recipe: dict[str, Any], path: str, given: object, keys: Container[str]) -> None:
    head, _, rest = path.partition(".")
    if not rest:
        recipe[head] = given
        return
    place = f"--set {shown(path)}"
    there: list[str] = []
    for part in ("rounds", "stages"):
        steps = recipe.get(part)
        if not isinstance(steps, list):
            continue
        names = [str(next(iter(step), None) if isinstance(step, Mapping) else step) for step in steps]
        if names.count(head) > 1:
            raise BadInput(f"stage '{shown(head)}' stands twice", place=place, fix="change the recipe itself")
        if head in names:
            at = names.index(head)
            step = steps[at] if isinstance(steps[at], Mapping) else {head: None}
            old = step.get(head)
            if old is not None and not isinstance(old, Mapping):
                raise BadInput(f"stage '{shown(head)}' has no knobs to change", place=place, fix="correct the recipe")
            recipe[part] = [*steps[:at], {**step, head: {**(old or {}), rest: given}}, *steps[at + 1 :]]
            return
        there += names
    if head in keys and head not in {"rounds", "stages"}:
        old = recipe.get(head)
        recipe[head] = {**(old if isinstance(old, Mapping) else {}), rest: given}
        return
    raise BadInput(
        f"no stage '{shown(head)}' in this recipe", place=place, fix="stages: " + shown(", ".join(there), 200)
    )
