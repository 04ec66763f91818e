"""The published folder (Parquet, JSONL, a card), which `datasets.load_dataset` reads; its upload to the Hub."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, cast

from selfinstruct.atomic_files import anew
from selfinstruct.errors import BadInput, ProviderDown
from selfinstruct.formats.loss_marks import MARK
from selfinstruct.formats.parquet_writing import parquet_file
from selfinstruct.formats.rows import Row, row_line, whole_row, whole_text
from selfinstruct.text import shown

_TURNS = {"messages": ("role", "content"), "conversations": ("from", "value")}
_FLAGS = {"is_classification"}
Card = str | Callable[[str], str]
_PUBLISHED = ["README.md", "data/*.parquet", "jsonl/*.jsonl"]  # nothing else that may lie in the folder leaves it
_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


def write_dataset(
    folder: Path,
    splits: Mapping[str, Iterable[Row]],
    columns: Sequence[str],
    card: Card,
    files: Sequence[str],
    *,
    marked: bool = False,
) -> None:
    """Write an unpublished folder: `data/SPLIT.parquet`, `jsonl/SPLIT.jsonl`, `README.md`; same rows, same bytes.

    Each split is walked once, one row at a time, so it may be an iterator over more rows than memory holds. The card
    may be made when all rows are written: then it is a function of the SHA-256 of their names, columns and rows.
    `marked` says that some turns have a `weight`, 0: not to be learned.
    UTF-8 cannot hold half of a character (a lone surrogate, as a model may send): it becomes U+FFFD in every file.
    """
    schema = _schema(columns, marked=marked) if "parquet" in files else None
    content = hashlib.sha256(repr(tuple(columns)).encode())
    for split, rows in splits.items():
        content.update(f"\0{split}\0".encode())
        with ExitStack() as opened:
            groups = lines = None
            if "parquet" in files:
                (folder / "data").mkdir(exist_ok=True)
                groups = opened.enter_context(parquet_file(folder / "data" / f"{split}.parquet", schema))
            if "jsonl" in files:
                (folder / "jsonl").mkdir(exist_ok=True)
                path = folder / "jsonl" / f"{split}.jsonl"
                lines = opened.enter_context(anew(path))
            for row in rows:
                line, whole = _written(row)
                content.update(line)
                if groups is not None:
                    groups.add(whole, (len(line) if line.isascii() else len(line.decode())) - 1)
                if lines is not None:
                    lines.write(line)
    text = card if isinstance(card, str) else card(content.hexdigest())
    with anew(folder / "README.md") as file:
        file.write(whole_text(text).encode())


def _written(row: Row) -> tuple[bytes, Row]:
    """Its line, and what stands in it: nearly every row as it is."""
    try:
        return row_line(row) + b"\n", row
    except UnicodeEncodeError:
        whole = whole_row(row)
        return row_line(whole) + b"\n", whole


def _schema(columns: Sequence[str], *, marked: bool) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    import pyarrow as pa

    return pa.schema([(column, _arrow_type(column, marked=marked)) for column in columns])


def _arrow_type(column: str, *, marked: bool) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    import pyarrow as pa

    if column in _TURNS:
        fields = [(field, pa.string()) for field in _TURNS[column]]
        return pa.list_(pa.struct([*fields, (MARK, pa.int64())] if marked else fields))
    return pa.bool_() if column in _FLAGS else pa.string()


class Hub(Protocol):
    """What is needed of `huggingface_hub.HfApi`."""

    def create_repo(self, repo_id: str, *, repo_type: str, private: bool, exist_ok: bool) -> object:
        """Make the repository, or find it there."""

    def upload_folder(self, *, repo_id: str, repo_type: str, folder_path: str, allow_patterns: list[str]) -> object:
        """Upload what the patterns name, as one commit."""


def check_push(repository: str, *, token_env: str = "HF_TOKEN", published: bool = True) -> None:  # noqa: S107
    """BadInput, before anything is made, for what an upload would end with: no package, no token, no name, no set."""
    if not published:
        what = "nothing would be uploaded: the recipe says `publish: null`"
        raise BadInput(what, place="--push", fix="leave --push out, or the line out of the recipe")
    if not _NAME.fullmatch(repository):
        raise BadInput("not a repository's name", place=f"--push {shown(repository)}", fix="write it as OWNER/NAME")
    _token(token_env)


def push_to_hub(
    folder: Path,
    repository: str,
    *,
    token_env: str = "HF_TOKEN",  # noqa: S107 - the name of a variable, not a token
    private: bool = True,
    connect: Callable[[str], Hub] | None = None,
) -> str:
    """Upload, and return the address of what was uploaded.

    A repository that is new is private, since nobody has read the rows yet; one that exists stays as it is.
    The token is read from the named variable, or else from where `hf auth login` stored it; it is not kept. `connect`
    makes a hub from a token.
    Raises BadInput for a folder, name, token or package that is missing, ProviderDown when the hub refuses.
    """
    if not (folder / "README.md").is_file():
        raise BadInput("no published set", place=shown(str(folder), 400), fix="name the dataset/ folder of a run")
    token = _token(token_env)
    hub = (connect or _connect)(token)
    try:
        hub.create_repo(repository, repo_type="dataset", private=private, exist_ok=True)
        done = hub.upload_folder(
            repo_id=repository, repo_type="dataset", folder_path=str(folder), allow_patterns=_PUBLISHED
        )
    except ValueError as fault:
        what = f"not a repository's name: {_reason(fault, token)}"
        raise BadInput(what, place=shown(repository), fix="write it as OWNER/NAME") from None
    except Exception as fault:  # noqa: BLE001 - the hub's own errors, and those of three layers of network below it
        raise ProviderDown(
            f"the hub did not take {shown(repository)} ({_reason(fault, token)}); the set is safe in "
            f"{shown(str(folder), 400)}: run the same command again"
        ) from None
    return str(done)


def _reason(fault: Exception, token: str) -> str:
    said = str(fault).replace(token, "***")
    return shown(f"{type(fault).__name__}: {said}" if said else type(fault).__name__, 200)


def _token(token_env: str) -> str:
    """The variable's, or that of a login; BadInput where there is neither."""
    from huggingface_hub import get_token

    token = os.environ.get(token_env, "").strip() or str(get_token() or "").strip()
    if not token:
        fix = f"export {token_env}=..., or log in once with: hf auth login"
        raise BadInput(f"{token_env} is not set, and nobody has logged in", place="the environment", fix=fix)
    return token


def _connect(token: str) -> Hub:
    from huggingface_hub import HfApi

    return cast("Hub", HfApi(token=token))
