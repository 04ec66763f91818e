"""Rows of tables: a Parquet file, a folder that `datasets` saved, a set on the Hub; each as plain values."""

import datetime as dt
import decimal
import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selfinstruct.bounded_read import regular
from selfinstruct.errors import BadInput
from selfinstruct.formats.fields import BadRecord
from selfinstruct.formats.json_lines import LINE_BYTES
from selfinstruct.formats.json_stream import Line
from selfinstruct.formats.parquet_writing import noted_places, untyped
from selfinstruct.formats.streams import TOTAL_BYTES, begins_as_arrow, complaints, name, refuse_swollen, unpacked_cap
from selfinstruct.records import Json
from selfinstruct.text import shown

_BATCH = 256
_AGAIN = "fetch or make it again"
_HEAVY = 64 << 20  # bytes of text in a batch: more, and its rows are taken out one by one
_PATIENCE = 10  # seconds for the Hub to say whether it has a set


def parquet_rows(path: Path) -> Iterator[Line | BadRecord]:
    """The rows of a Parquet file, a batch in memory at a time; a place is the file and the number of the row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = name(path)
    regular(path)
    try:
        with complaints(place), path.open("rb") as opened:
            texts = _text_columns(pq.ParquetFile(opened), path)
            try:
                # texts come as references to those that stand in the file: what is there a thousand times is kept once
                file = pq.ParquetFile(opened, read_dictionary=texts)
            except KeyError:  # one part of a damaged file names columns that another does not have
                raise BadInput("cannot be read (its columns have two names)", place=place, fix=_AGAIN) from None
            places = noted_places(file.schema_arrow.metadata)
            cap = unpacked_cap(path.stat().st_size)
            yield from _rows(file.iter_batches(batch_size=_BATCH), place, places, cap)
    except pa.ArrowException as fault:
        raise _torn(place, fault) from None


def _text_columns(file: Any, path: Path) -> list[str]:  # noqa: ANN401 - pyarrow publishes no types
    """The columns of text; BadInput where one of them is packed far smaller than it is, for no bound would hold."""
    # The library ends the process when asked for a column of a damaged group: groups are asked for their size alone.
    cap = unpacked_cap(path.stat().st_size)
    size = sum(file.metadata.row_group(group).total_byte_size for group in range(file.metadata.num_row_groups))
    if size > cap:
        what = f"its columns unpack to {size >> 20} MiB, far more than it is"
        raise BadInput(what, place=name(path), fix="write the table again, as JSONL")
    columns = (file.schema.column(index) for index in range(len(file.schema.names)))
    texts = (column.path for column in columns if column.physical_type == "BYTE_ARRAY")
    return [path for path in texts if ".key_value." not in path]  # the library makes no references of a map's texts


def arrow_rows(path: Path) -> Iterator[Line | BadRecord]:
    """The rows of an Arrow file (IPC, as a file or as a stream), a batch in memory at a time."""
    import pyarrow as pa

    place = name(path)
    regular(path)
    try:
        with complaints(place):
            refuse_swollen(path)
        with complaints(place), pa.memory_map(str(path)) as mapped:
            is_file = mapped.read(6) == b"ARROW1"
            mapped.seek(0)
            opened = pa.ipc.open_file(mapped) if is_file else pa.ipc.open_stream(mapped)
            batches = map(opened.get_batch, range(opened.num_record_batches)) if is_file else opened
            places, cap = noted_places(opened.schema.metadata), unpacked_cap(path.stat().st_size)
            yield from _rows(_small(batches), place, places, cap)
    except pa.ArrowException as fault:
        raise _torn(place, fault) from None


def _small(batches: Iterable[Any]) -> Iterator[Any]:
    """The same rows in batches of a bounded number of them."""
    for batch in batches:
        for begin in range(0, batch.num_rows, _BATCH):
            yield batch.slice(begin, _BATCH)


def saved_rows(path: Path, split: str) -> Iterator[Line | BadRecord]:
    """The rows of a folder that `Dataset.save_to_disk` or `DatasetDict.save_to_disk` made."""
    from datasets import load_from_disk

    place = name(path)
    with complaints(place):
        for file in sorted(path.rglob("*")):
            if file.is_file() and begins_as_arrow(file):
                refuse_swollen(file)
    try:
        loaded = load_from_disk(str(path))
        table = _split(dict(loaded) if isinstance(loaded, dict) else {"train": loaded}, split, place)
        batches = table.with_format("arrow").iter(batch_size=_BATCH)
        yield from _rows(batches, place)
    except BadInput:
        raise
    except Exception as fault:  # noqa: BLE001 - a damaged folder fails in whatever part of the library meets it first
        raise _torn(place, fault) from None


def hub_rows(repository: str, config: str, split: str) -> Iterator[Line | BadRecord]:
    """The rows of a set on the Hub, fetched once into the cache of `datasets`; no code of the set is run."""
    import datasets

    try:
        with _quiet(), _from_the_cache(offline=not _reached(repository)):
            loaded = datasets.load_dataset(repository, config or None)
    except Exception as fault:  # noqa: BLE001 - the hub's own errors, and those of three layers of network below it
        said = shown(f"{type(fault).__name__}: {fault}", 200)
        raise BadInput(
            f"neither a file nor to be had from the Hub ({said})",
            place=shown(repository),
            fix="check the name and the network, or name a file or folder",
        ) from None
    try:
        table = _split(dict(loaded), split, repository)
        yield from _rows(table.with_format("arrow").iter(batch_size=_BATCH), repository)
    except BadInput:
        raise
    except Exception as fault:  # noqa: BLE001 - as above: a torn cache
        raise _torn(shown(repository), fault) from None


def _reached(repository: str) -> bool:
    """Whether the Hub says that it has a set: asked once and for seconds only, where its client would ask for long."""
    from huggingface_hub import HfApi

    try:
        HfApi().dataset_info(repository, timeout=_PATIENCE)
    except Exception:  # noqa: BLE001 - whatever its transport raises; what the cache has is still to be had
        return False
    return True


@contextmanager
def _from_the_cache(*, offline: bool) -> Iterator[None]:
    """Let `datasets` look nowhere else."""
    import datasets
    from huggingface_hub import constants

    switches: tuple[Any, ...] = (datasets.config, constants)
    before = [switch.HF_HUB_OFFLINE for switch in switches]
    for switch in switches if offline else ():
        switch.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.HF_HUB_OFFLINE = value


@contextmanager
def _quiet() -> Iterator[None]:
    """No warning a try: the one complaint at the end says it."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _torn(place: str, fault: Exception) -> BadInput:
    said = shown(str(fault) or type(fault).__name__, 200)
    return BadInput(f"cannot be read ({said})", place=place, fix=_AGAIN)


def _split(splits: Mapping[str, Any], wanted: str, place: str) -> Any:  # noqa: ANN401 - datasets publishes no types
    """The split that is meant: the one that is named, or the only one."""
    names = ", ".join(map(str, splits))
    if wanted and wanted not in splits:
        raise BadInput(f"no split '{shown(wanted)}'", place=shown(place), fix=f"it has {names}")
    if not wanted and len(splits) != 1:
        raise BadInput(f"has the splits {names}", place=shown(place), fix="say which: write #SPLIT behind the name")
    return splits[wanted] if wanted else next(iter(splits.values()))


def _rows(
    batches: Iterable[Any], place: str, places: Sequence[Sequence[str]] = (), cap: int = TOTAL_BYTES
) -> Iterator[Line | BadRecord]:
    """One row after the other; `cap` bounds the characters of them all."""
    number = total = 0
    for batch in batches:
        for row in _taken_apart(batch):
            number += 1
            record = _row(row, f"{place}:{number}")
            if isinstance(record, Line):
                weight = _weight(record.value)
                total += weight
                if total > cap:
                    what = f"unpacks to more than {cap >> 20} MiB, far more than it is"
                    raise BadInput(what, place=place, fix="write the table again, as JSONL")
                if weight > LINE_BYTES:
                    what = f"a row over {LINE_BYTES >> 20} MiB"
                    record = BadRecord(what, reason="too_long", place=record.place, fix="split the record")
                elif places:
                    record = Line(record.place, untyped(record.value, places))
            yield record


def _taken_apart(batch: Any) -> Iterator[Any]:  # noqa: ANN401 - pyarrow publishes no types
    """Its rows: all at once, unless their texts would weigh too much together."""
    if max(map(_heaviest, batch.columns), default=0) <= _HEAVY:
        try:
            yield from _decoded(batch).to_pylist()
        except (UnicodeDecodeError, ValueError, OverflowError):
            yield from (_alone(batch.slice(index, 1)) for index in range(batch.num_rows))
    else:
        yield from (_alone(batch.slice(index, 1)) for index in range(batch.num_rows))


def _heaviest(column: Any) -> int:  # noqa: ANN401 - pyarrow publishes no types
    """Bytes that the texts a column refers to have at most, each as often as it is referred to."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(column, pa.DictionaryArray):
        if not len(column.dictionary) or not isinstance(column.dictionary, _texts()):
            return 0
        return len(column) * int(pc.max(pc.binary_length(column.dictionary)).as_py() or 0)
    if isinstance(column, pa.MapArray):  # a list, too, though the library flattens none
        return _heaviest(column.keys) + _heaviest(column.items)
    if isinstance(column, pa.ListArray | pa.LargeListArray):
        return _heaviest(column.flatten())
    if isinstance(column, pa.StructArray):
        return sum(_heaviest(column.field(at)) for at in range(column.type.num_fields))
    return 0


def _texts() -> tuple[Any, ...]:
    import pyarrow as pa

    return pa.StringArray, pa.LargeStringArray, pa.BinaryArray, pa.LargeBinaryArray


def _decoded(batch: Any) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    """With its texts themselves in the place of references: they come out of Arrow in half the time."""
    import pyarrow as pa

    if not any(isinstance(column, pa.DictionaryArray) for column in batch.columns):
        return batch
    columns = [
        column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _weight(value: Json) -> int:
    """Characters of all its texts."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_weight, value.values()))
    return sum(map(_weight, value)) if isinstance(value, list) else 8


def _alone(batch: Any) -> Any:  # noqa: ANN401 - pyarrow publishes no types
    try:
        [row] = batch.to_pylist()
    except UnicodeDecodeError:
        return BadRecord("text that is no UTF-8", reason="not_utf8", fix="write the table again")
    except (ValueError, OverflowError) as fault:
        return BadRecord(shown(str(fault)), reason="wrong_type", fix="write the column as text")
    return row


def _row(row: Any, place: str) -> Line | BadRecord:  # noqa: ANN401 - a dict, or what is wrong
    if isinstance(row, BadRecord):
        return row.at(place, "")
    try:
        return Line(place, {str(column): _plain(value, str(column)) for column, value in row.items()})
    except BadRecord as fault:
        return fault.at(place, "")


def _plain(value: Any, column: str) -> Json:  # noqa: ANN401 - whatever Arrow holds
    """The value as JSON has it: no number is null, a moment is text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(item, column) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, column) for item in value]
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, decimal.Decimal | dt.timedelta):
        return str(value)
    what = f"column '{shown(column)}': {type(value).__name__}, which JSON has no word for"
    raise BadRecord(what, reason="wrong_type", fix="leave the column out")
