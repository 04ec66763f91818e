"""The published folder: Parquet for machines, JSONL for people, a card; `datasets.load_dataset(folder)` reads it."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.formats.rows import Row
from selfinstruct.records import Json

_TURNS = {"messages": ("role", "content"), "conversations": ("from", "value")}
_FLAGS = {"is_classification"}


def write_dataset(
    folder: Path, splits: Mapping[str, Sequence[Row]], columns: Sequence[str], card: str, files: Sequence[str]
) -> None:
    """Write an unpublished folder: `data/SPLIT.parquet`, `jsonl/SPLIT.jsonl`, `README.md`; same rows, same bytes."""
    for split, rows in splits.items():
        if "parquet" in files:
            (folder / "data").mkdir(exist_ok=True)
            _parquet(folder / "data" / f"{split}.parquet", rows, columns)
        if "jsonl" in files:
            (folder / "jsonl").mkdir(exist_ok=True)
            content = "".join(_line(row) for row in rows)
            (folder / "jsonl" / f"{split}.jsonl").write_text(content, encoding="utf-8", errors="replace", newline="\n")
    (folder / "README.md").write_text(card, encoding="utf-8", errors="replace", newline="\n")


def _line(row: Row) -> str:
    import json

    return json.dumps(row, ensure_ascii=False) + "\n"


def _parquet(path: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(column, _arrow_type(column)) for column in columns])
    table = pa.Table.from_pylist([_clean(row) for row in rows], schema=schema)
    pq.write_table(table, path, compression="zstd", version="2.6", row_group_size=100_000)


def _arrow_type(column: str) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    import pyarrow as pa

    if column in _TURNS:
        return pa.list_(pa.struct([(field, pa.string()) for field in _TURNS[column]]))
    return pa.bool_() if column in _FLAGS else pa.string()


def _clean(value: Json) -> Json:
    """Parquet holds UTF-8 and nothing else: half characters become U+FFFD, as in the JSONL beside it."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    return value


Upload = Callable[[str, str, str], str]
"""Folder, repository and token -> the address of what was uploaded."""


def push_to_hub(folder: Path, repository: str, *, token_env: str = "HF_TOKEN", upload: Upload | None = None) -> str:  # noqa: S107 - the name of a variable, not a token
    """Upload a published folder to a dataset repository; the token is read from the named variable, and never kept."""
    if not (folder / "README.md").exists():
        raise BadInput("no published set", place=str(folder), fix="name the dataset/ folder of a run")
    token = os.environ.get(token_env, "")
    if not token:
        raise BadInput(f"{token_env} is not set", place="the environment", fix=f"export {token_env}=...")
    return (upload or _upload)(str(folder), repository, token)


def _upload(folder: str, repository: str, token: str) -> str:
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise BadInput("needs one more package", place="push", fix="pip install 'selfinstruct[hub]'") from None
    api = HfApi(token=token)
    api.create_repo(repository, repo_type="dataset", exist_ok=True)
    return str(api.upload_folder(folder_path=folder, repo_id=repository, repo_type="dataset"))
