"""Students that runs made: a look at examples before training, their GGUF file, the template they were tuned in."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from selfinstruct.errors import BadInput
from selfinstruct.models.gguf_export import export_gguf
from selfinstruct.models.model_files import find_weights
from selfinstruct.records import Task
from selfinstruct.run import stage_models
from selfinstruct.run.inputs import read_input
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.stage import Bench
from selfinstruct.store.reading import read_object


def preview(resolved: Resolved) -> str:
    """Three examples as the student would learn them, with the mask visible, and the records that none would be.

    BadInput where nothing can be read.
    """
    [stage] = [stage for stage in resolved.stages if stage.needs.tunes]
    needs = stage.needs
    if needs.preview is None:
        what = f"stage {stage.name} cannot tell what would be learned"
        raise BadInput(what, place="preview", fix="declare `preview` in its needs, or train without")
    weights_for = partial(stage_models.weights_of, resolved.recipe)
    bench = Bench(weights={role: weights_for(role) for role in needs.weights}, seed=resolved.recipe.seed)
    tasks = list(_tasks(resolved))
    if not tasks:
        raise BadInput("no record to show", place=resolved.recipe.inputs[0].path, fix="name a set with responses")
    return needs.preview(tasks, bench)


def _tasks(resolved: Resolved) -> Iterator[Task]:
    for given in resolved.sets:
        yield from (each for each in read_input(given, answered=True) if isinstance(each, Task))


def gguf_form(base: str) -> Path:
    """The GGUF file that the base is, whose form a student's takes; BadInput where it is none."""
    original = find_weights(base)
    if original is None or not original.is_file():
        what = f"the base '{base}' is no GGUF file, and the form of the student's is taken from there"
        raise BadInput(what, place="--gguf", fix="tune from gguf:PATH, embedded or gemma, or leave --gguf away")
    return original


def served(spec: str) -> str:
    """`gguf:PATH` for the folder of a run that has its student as GGUF, too, which the engine asks six times faster.

    Any other spec is as it was; `hf:FOLDER` asks the student by transformers, in its own numbers.
    """
    file = Path(spec) / "student.gguf"
    return f"gguf:{file}" if (Path(spec) / "student").is_dir() and file.is_file() else spec


def tuned_template(spec: str) -> str:
    """The wrapper in which a student was tuned, from what its run wrote beside it; empty for any other model.

    Asked in another, a student shows what it did not learn.
    """
    kind, colon, rest = spec.partition(":")
    place = Path(rest if colon and kind in {"hf", "gguf"} else spec)
    place = place.parent if place.name == "student.gguf" else place
    for file in (place / "training.json", place / "student" / "training.json"):
        if file.is_file():
            training = read_object(file, "name the wrapper with --wrapper")
            recipe = training.get("recipe")
            template = recipe.get("template", recipe.get("format")) if isinstance(recipe, dict) else None
            return template if isinstance(template, str) else ""  # `format`: students made before it was called so
    return ""


def gguf_of(folder: Path, base: str) -> Path:
    """The student of a run as `student.gguf` beside it: it then answers in the embedded engine, as `gguf:PATH`."""
    return export_gguf(folder / "student", gguf_form(base), folder / "student.gguf")
