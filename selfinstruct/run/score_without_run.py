"""Scores and judges without a run: of responses that exist, scores side by side, a judge from fragments."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from selfinstruct.arguments import arguments_checked
from selfinstruct.atomic_files import sweep_beside, temporary_name
from selfinstruct.bounded_read import read_whole
from selfinstruct.errors import BadInput
from selfinstruct.evaluate.compare_columns import FILES, ModelMarks, measured
from selfinstruct.evaluate.compare_render import as_latex, as_markdown, as_text, heads, legend
from selfinstruct.evaluate.compare_table import Comparison, FolderMeasured, comparison
from selfinstruct.evaluate.result_json import as_line, as_page
from selfinstruct.evaluate.score_files import Row, score_responses
from selfinstruct.formats.json_lines import read_values
from selfinstruct.judge.fit_judge import Backend, train
from selfinstruct.records import Json
from selfinstruct.report.compare_page import comparison_page
from selfinstruct.run.seeds_and_benchmarks import prompt_set
from selfinstruct.run.tone_judges import open_judge
from selfinstruct.store.atomic_writes import publish_text, wants_folder
from selfinstruct.store.built_artifacts import copy_built
from selfinstruct.text.grammar import plural, with_article
from selfinstruct.tone.prompt_sets import ScorePrompt, prompts_of
from selfinstruct.tone.tone_score import ToneScore

_MOST_BYTES = 1 << 30
_FIX = "make it again: `selfinstruct score` with the words it was made by"


def score_files(files: Sequence[Path], judge: str, folder: Path, seed: int = 0) -> dict[str, Json]:
    """Score every response of the files, write `score.json` and `responses.jsonl`; returns what the former holds."""
    wants_folder(folder)
    tone = open_judge(judge)
    scores = score_responses(_rows(files, alone=len(files) == 1), tone, seed=seed)
    facts = scores.as_json()
    publish_text(folder / "responses.jsonl", "".join(as_line(verdict.as_json()) for verdict in scores.verdicts))
    publish_text(folder / "score.json", as_page(facts))
    return facts


@arguments_checked()
def ifs(responses: Iterable[tuple[str, str] | Mapping[str, object]], *, judge: str = "", seed: int = 0) -> ToneScore:
    """The Instruction Following Score of responses, as pairs (prompt, response) or as mappings with these keys.

    A mapping may also say `finish_reason`, `whole` and `source` (responses of one source are resampled together).
    `judge`: `ifs-v2`, `ifs-v2-linear`, `ifs-v1` or a folder of `train-judge`; by default `ifs-v2` where the extra
    `train` and the embedded model are here, and `ifs-v2-linear` elsewhere. The result names it (`setting.judge`), for
    numbers of two judges do not compare. It has `ifs`, `ifs_partial`, `ifs_full`, `gap`, `ifs_clean` ..., each a share
    with its 95 % interval, and all of them by name in `numbers`. BadInput for no responses.

    Source: Becoming self-instruct (arXiv 2307.03692).

    >>> from selfinstruct import ifs
    >>> said = [("Name a river in Spain.", "The Ebro is a river in Spain."), ("Name a river in", " Spain or Portugal.")]
    >>> ifs(said, judge="ifs-v2-linear").ifs.value
    0.5
    """
    rows = []
    for number, response in enumerate(responses, 1):
        said = dict(response) if isinstance(response, Mapping) else _pair(response, f"response {number}")
        rows.append(Row(f"response {number}", {key: said[key] for key in said if key not in ("model", "wrapper")}))
    [scored] = score_responses(rows, open_judge(judge), seed=seed).scored
    return scored


def _pair(response: object, place: str) -> dict[str, object]:
    if isinstance(response, tuple | list) and len(response) == 2:
        return {"prompt": response[0], "response": response[1]}
    if isinstance(response, str):
        what = "a text alone"
    else:
        what = (
            plural(len(response), "value")
            if isinstance(response, tuple | list)
            else with_article(type(response).__name__)
        )
    fix = "give pairs (prompt, response), or mappings with these keys"
    raise BadInput(f"{what}, and no pair of prompt and response", place=place, fix=fix)


def _rows(files: Sequence[Path], *, alone: bool) -> Iterator[Row]:
    """Every line; of several files, each names the model of lines that name none.

    A line that does not say whether its prompt is whole is looked up among the shipped prompts, of which every other
    one is cut; what is not among them counts as whole.
    """
    cut = {prompt.text: prompt for prompt in prompts_of(prompt_set("ifs-v1")) if not prompt.whole}
    for file in files:
        for line in read_values(file):
            if not isinstance(line.value, dict):
                raise BadInput("no object", place=line.place, fix="each line needs 'response', and 'instruction'")
            named = {} if alone else {"model": file.stem}
            yield Row(line.place, {**named, **_of_cut(line.value, cut), **line.value})


def _of_cut(fields: Mapping[str, Any], cut: Mapping[str, ScorePrompt]) -> dict[str, Any]:
    """What a line leaves out of a prompt that is one of the shipped cut ones."""
    said = fields.get("prompt", fields.get("instruction"))
    known = cut.get(said) if isinstance(said, str) and "whole" not in fields and not fields.get("input") else None
    return {} if known is None else {"whole": False, "complete": known.complete, "source": known.source}


def train_judge(
    fragments: Path, out: Path, *, backend: str, encoder: str, pair_aware: bool, held_out: str
) -> dict[str, Any]:
    """Train a judge into a folder, whole or not at all; returns its metrics by set, as in its `metrics.json`."""
    if backend not in get_args(Backend):
        raise BadInput(f"backend '{backend}'", place="--backend", fix=f"one of: {', '.join(get_args(Backend))}")
    wants_folder(out)
    if out.exists() and any(out.iterdir()) and not (out / "judge.json").exists():
        raise BadInput("is not empty and holds no judge", place=str(out), fix="choose another folder with -o")
    folder = fragments / "fragments" if (fragments / "fragments").is_dir() else fragments
    sweep_beside(out)
    built = temporary_name(out)
    try:
        kind: Backend = "encoder" if backend == "encoder" else "linear"
        train(folder, built, backend=kind, encoder=encoder, pair_aware=pair_aware, held_out=held_out)
        copy_built(built, out)
    finally:
        shutil.rmtree(built, ignore_errors=True)
    judge: dict[str, Json] = json.loads((out / "judge.json").read_text(encoding="utf-8"))
    measured_of = judge.get("metrics")
    metrics: dict[str, Any] = dict(measured_of) if isinstance(measured_of, dict) else {}
    publish_text(out / "metrics.json", json.dumps(metrics, indent=1) + "\n")
    return metrics


@arguments_checked("compare")
def compare_folders(folders: Sequence[str | Path], against: str = "") -> Comparison:
    """What folders of `score` and `audit` hold, as one table.

    Each may be `NAME=FOLDER`, which names its rows, and `FOLDER#MODEL`, which is that model's row alone: several
    folders under one name are one row. Of a folder that holds nothing itself, as of a recipe with arms, each folder
    in it is one, under its name.

    Raises:
        BadInput: a folder without numbers, a file that is damaged, a row to compare with or a model that is not there.
    """
    what = "" if all(map(str, folders)) else "an empty path"
    if not folders or what:
        raise BadInput(what or "no folders", place="compare", fix="name folders that `selfinstruct score` made")
    return comparison([part for folder in folders for part in _folders(str(folder))], against)


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """`compare.json`, `.txt`, `.md`, `.tex` and `.html`, each whole."""
    page = comparison_page(comparison.as_json(), heads(comparison.columns), legend(comparison))
    texts = {
        "json": json.dumps(comparison.as_json(), ensure_ascii=False, indent=2) + "\n",
        "txt": as_text(comparison),
        "md": as_markdown(comparison),
        "tex": as_latex(comparison),
        "html": page,
    }
    folder.mkdir(parents=True, exist_ok=True)
    for ending, text in texts.items():
        publish_text(folder / f"compare.{ending}", text)


def _folders(named: str) -> list[FolderMeasured]:
    """The folder, or those in it."""
    inside = Path(named)
    if inside.is_dir() and not _holds(inside):
        arms = [folder for folder in sorted(inside.iterdir()) if folder.is_dir() and _holds(folder)]
        if arms:
            return [_folder(f"{arm.name}={arm}") for arm in arms]
    return [_folder(named)]


def _holds(folder: Path) -> bool:
    return any(True for page in FILES for _ in (*folder.glob(page), *folder.glob(f"*.{page}")))


def _folder(named: str) -> FolderMeasured:
    label, equals, path = named.partition("=")
    if not equals or Path(named).is_dir():
        label, path = "", named
    chosen = ""
    if not Path(path).is_dir() and "#" in path:
        path, _, chosen = path.rpartition("#")
    folder = Path(path)
    if not folder.is_dir():
        raise BadInput("no such folder", place=path, fix="name folders that `selfinstruct score` made")
    measured = [values for page, lines in FILES.items() for values in _measured(folder, page, lines)]
    if not measured:
        listed = ", ".join(lines or page for page, lines in FILES.items())
        fix = "run `selfinstruct score MODEL -o FOLDER` first, with --suite or without"
        raise BadInput(f"holds no answers with verdicts or marks ({listed})", place=path, fix=fix)
    return FolderMeasured(folder.name, label, _of_model(measured, chosen, path) if chosen else measured)


def _of_model(measured: Sequence[ModelMarks], chosen: str, path: str) -> list[ModelMarks]:
    """What was found of the one model meant: by its whole name, or the only one that begins so or holds it."""
    names = {f"{row.model}, {row.wrapper}" if row.wrapper else row.model: (row.model, row.wrapper) for row in measured}
    for fits in (str.__eq__, str.startswith, str.__contains__):
        meant = [who for name, who in names.items() if fits(name, chosen)]
        if len(meant) == 1:
            return [row for row in measured if (row.model, row.wrapper) == meant[0]]
    raise BadInput(f"no model '{chosen}', or several", place=path, fix=f"after the #, one of: {'; '.join(names)}")


def _measured(folder: Path, page: str, lines: str) -> Iterator[ModelMarks]:
    """Of one page and its lines, and of those that a label begins the names of (`LABEL.score.json`)."""
    for file in sorted((*folder.glob(page), *folder.glob(f"*.{page}"))):
        if not lines:
            yield from measured(page, _object(file), ())
        elif (lines_file := file.with_name(file.name.removesuffix(page) + lines)).is_file():
            yield from measured(page, _object(file), _lines(lines_file))


def _object(file: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(read_whole(file, _MOST_BYTES, fix=_FIX))
    except (ValueError, RecursionError) as fault:
        raise BadInput(f"not JSON: {fault}", place=str(file), fix=_FIX) from None
    if not isinstance(value, dict):
        raise BadInput("no object", place=str(file), fix=_FIX)
    return value


def _lines(file: Path) -> Iterator[Mapping[str, Any]]:
    for line in read_values(file):
        if not isinstance(line.value, dict):
            raise BadInput("no object", place=line.place, fix=_FIX)
        yield line.value
