"""Processes that a launcher (`accelerate launch`) started for one training: the first owns the run, the others help."""

from pathlib import Path
from tempfile import TemporaryDirectory

from selfinstruct.errors import BadInput
from selfinstruct.finetune.launch import process
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.store.run_folder import STAGES_PART, RunFolder


def ran_as_worker(resolved: Resolved, folder: Path | None, *, fresh: bool) -> bool:
    """Whether this process is not the first that a launcher started; if so, it has done its share of the training.

    It does the same stages in a folder that is thrown away, and keeps nothing.

    Raises:
        BadInput: without a folder by name, or with one to be made anew, the processes cannot know what is left to do.
    """
    own = process()
    if own.count == 1:
        return False
    if folder is None or fresh:
        fix = "name a new folder with -o, and leave --fresh away"
        raise BadInput(f"{own.count} processes cannot agree on what is to be trained", place="a launcher", fix=fix)
    places = (
        RunFolder(folder).stage(STAGES_PART, at, stage.name)
        for at, stage in enumerate(resolved.once, 1)
        if stage.needs.tunes
    )
    if own.helps and not any((place.path / "DONE").exists() for place in places):
        with TemporaryDirectory(prefix="selfinstruct-") as room:
            execute(resolved, Options(folder=Path(room) / "run"))
    return own.helps
