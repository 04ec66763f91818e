"""`--set` words: values of a recipe changed from the command line, before the recipe is checked."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.run.yaml_file import check_text, parse_yaml
from selfinstruct.text import shown


def with_changes(value: Mapping[str, Any], changes: Sequence[str], keys: Container[str]) -> dict[str, Any]:
    """A copy of the recipe with `--set` words such as `novelty.rouge_l_below=0.6` applied; `keys`: those at the top.

    Where a stage stands more than once, `dev.score.first=20` means the one with the label `dev`, and `score.first=20`
    the one that has none.
    """
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
        names = [_named(step) for step in steps]
        found = _meant(names, path, place)
        if found is not None:
            recipe[part] = [*steps[: found.at], _changed(steps[found.at], found, given, place), *steps[found.at + 1 :]]
            return
        there += [name.words for name in names]
    if head in keys and head not in {"rounds", "stages"}:
        old = recipe.get(head)
        before = old if isinstance(old, Mapping) else {}
        name, _, key = rest.partition(".")
        inner = before.get(name) if key else None
        recipe[head] = {**before, **({name: {**inner, key: given}} if isinstance(inner, Mapping) else {rest: given})}
        return
    raise BadInput(
        f"no stage '{shown(head)}' in this recipe", place=place, fix="stages: " + shown(", ".join(there), 200)
    )


@dataclass(frozen=True, slots=True)
class _Named:
    """A stage as a word may name it: `score`, or `dev.score` where it has a label."""

    stage: str
    label: str

    @property
    def called(self) -> str:
        """In one word: of a dotted path what stands after its colon."""
        return self.stage.rpartition(":")[2]

    @property
    def words(self) -> str:
        return f"{self.label}.{self.called}" if self.label else self.called


@dataclass(frozen=True, slots=True)
class _Meant:
    """Where in the list, and which knob."""

    at: int
    stage: str
    knob: str


def _named(step: object) -> _Named:
    if not isinstance(step, Mapping):
        return _Named(str(step), "")
    stage = next(iter(step), None)
    knobs = step.get(stage)
    label = knobs.get("label") if isinstance(knobs, Mapping) else None
    return _Named(str(stage), label if isinstance(label, str) else "")


def _meant(names: Sequence[_Named], path: str, place: str) -> _Meant | None:
    """The stage that a path begins with; of several that are called so, the one without a label."""
    first, _, rest = path.partition(".")
    second, _, knob = rest.partition(".")
    labelled = [at for at, name in enumerate(names) if knob and (name.label, name.called) == (first, second)]
    if len(labelled) == 1:
        return _Meant(labelled[0], names[labelled[0]].stage, knob)
    called = [at for at, name in enumerate(names) if name.called == first]
    plain = [at for at in called if not names[at].label]
    found = called if len(called) == 1 else plain
    if len(found) == 1:
        return _Meant(found[0], names[found[0]].stage, rest)
    if not called and not labelled:
        return None
    known = ", ".join(dict.fromkeys(names[at].words for at in called or labelled))
    what, fix = f"several stages are called so: {shown(known)}", "write LABEL.STAGE.KNOB=VALUE, or change the recipe"
    raise BadInput(what, place=place, fix=fix)


def _changed(step: object, found: _Meant, given: object, place: str) -> dict[str, Any]:
    whole = step if isinstance(step, Mapping) else {found.stage: None}
    old = whole.get(found.stage)
    if old is not None and not isinstance(old, Mapping):
        raise BadInput(f"stage '{shown(found.stage)}' has no knobs to change", place=place, fix="correct the recipe")
    return {**whole, found.stage: {**(old or {}), found.knob: given}}
