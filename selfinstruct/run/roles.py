"""The roles of a recipe's models: which of them a stage asks, measures with or tunes, and which a run builds itself."""

from collections.abc import Iterable, Mapping

from selfinstruct.errors import BadInput
from selfinstruct.run.yaml_file import YamlFile
from selfinstruct.stage import Stage
from selfinstruct.text import shown


def built_name(spec: str) -> str | None:
    """What a spec `built:NAME` names; None for any other.

    >>> built_name("built:student"), built_name("embedded")
    ('student', None)
    """
    kind, colon, name = spec.partition(":")
    return name if kind == "built" and colon else None


def check_weights(models: Mapping[str, str], stages: Iterable[Stage], file: YamlFile) -> None:
    """BadInput for a base that cannot be tuned, and for a model asked before any stage can have built it.

    No file is looked at, so that a recipe can be checked where its models are not.
    """
    from selfinstruct.models.trainable import trainable

    built = list[str]()
    for stage in stages:
        base = stage.needs.base
        for role in (*stage.needs.models, *((base,) if base else ())):
            if role not in models:
                what = f"stage '{stage.name}' tunes '{shown(role)}', which the recipe does not name"
                fix = f"add `{shown(role)}: hf:FOLDER` under `models`"
                raise BadInput(what, place=file.place(("models",)), fix=fix)
            name = built_name(models[role])
            if name is not None and name not in built:
                what = f"stage '{stage.name}' needs {models[role]}, which no stage before it builds"
                known = ", ".join(built) or "none"
                fix = f"put `finetune` before it, or name a model that is there; students built before it: {known}"
                raise BadInput(what, place=file.place(("models", role)), fix=fix)
            if role == base and name is None:
                try:
                    trainable(models[role])
                except BadInput as fault:
                    what = f"'{shown(models[role])}' {fault.what}"
                    raise BadInput(what, place=file.place(("models", role)), fix=fault.fix) from None
        built += [name for name in stage.needs.builds if name not in built]
