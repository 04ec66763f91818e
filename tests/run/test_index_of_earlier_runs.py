"""What earlier runs published is a neighbour, too: what a run is compared with is settled when it begins."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from socketserver import TCPServer
from threading import Thread
from typing import Any

import pytest

from selfinstruct.dedup.minhash import signatures
from selfinstruct.errors import BadInput, Stopped
from selfinstruct.run import execute as runs
from selfinstruct.run.execute import Finished, Options, execute
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.verb_recipes import curate, inputs, recipe
from selfinstruct.store import failpoints
from tests.faults.same import differences

BOAT = "Describe how to varnish the deck of a small wooden sailing boat before the first days of spring"
BREAD = "List seven things that can go wrong when somebody bakes rye bread in an old wood-fired oven at home"
BIRDS = "Explain to a child why swallows fly so low above the meadows on the evening before a summer storm"


def written(path: Path, *texts: str) -> str:
    rows = ({"instruction": text, "input": "", "output": f"An answer to number {at}."} for at, text in enumerate(texts))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def clean(
    place: str, index: str, folder: Path | None, *, fresh: bool = False, rules: str = "none", **knobs: Any
) -> Finished:
    near = {"jaccard": 0.8, "index": index, **knobs}
    stages = curate(rules=(rules,), exact=False, near=near, novelty=None, against=())
    resolved = resolve(recipe("clean", inputs([place], ""), stages, {}, {}))
    return execute(resolved, Options(folder=folder, fresh=fresh))


def lines(folder: Path, fate: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{fate}.jsonl").read_text(encoding="utf-8").splitlines()]


def kept(folder: Path) -> list[str]:
    return [line["instruction"] for line in lines(folder, "kept")]


@pytest.fixture(scope="module")
def redis_port() -> Iterator[int]:
    from fakeredis import TcpFakeServer

    TCPServer.allow_reuse_address = True
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


NAMES = count()


@pytest.fixture(params=["folder", "redis"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "published")
    return f"redis://127.0.0.1:{request.getfixturevalue('redis_port')}/0#test{next(NAMES)}"


def test_a_near_duplicate_of_an_earlier_run_names_run_and_record(tmp_path: Path, index: str) -> None:
    clean(written(tmp_path / "a.jsonl", BOAT, BREAD), index, tmp_path / "a")
    clean(written(tmp_path / "b.jsonl", BIRDS, BREAD + " again", BREAD + " again and again"), index, tmp_path / "b")
    assert kept(tmp_path / "b") == [BIRDS]
    first, second = lines(tmp_path / "b", "rejected")
    [bread] = [line["id"] for line in lines(tmp_path / "a", "kept") if line["instruction"] == BREAD]
    evidence = first["evidence"]
    assert (first["reason"], evidence["neighbour"], evidence["neighbour_text"]) == ("near_duplicate", bread, BREAD)
    assert (evidence["score"], evidence["common"], evidence["shingles"]) == (18 / 19, 18, [19, 18])
    assert evidence["run"].startswith("clean-")
    assert second["evidence"]["neighbour"] == bread  # not its twin of the same run, which is gone itself
    ledger = (tmp_path / "b" / "ledger.jsonl").read_text(encoding="utf-8")
    assert '"published_before": {"records": 2, "removed": 2}' in ledger


def test_the_same_command_again_is_the_same_run_and_not_its_own_duplicate(tmp_path: Path, index: str) -> None:
    given = written(tmp_path / "a.jsonl", BOAT, BREAD)
    for folder in (tmp_path / "a", tmp_path / "a", tmp_path / "again"):
        clean(given, index, folder)
    assert kept(tmp_path / "a") == kept(tmp_path / "again") == [BOAT, BREAD]
    assert differences(tmp_path / "a", tmp_path / "again") == []
    later = clean(written(tmp_path / "b.jsonl", BIRDS), index, tmp_path / "b")
    text = (later.folder / "ledger.jsonl").read_text(encoding="utf-8")
    assert '"published_before": {"records": 2, "removed": 0}' in text  # once, however often it was published


def die(at: str) -> Callable[[str], None]:
    def reached(name: str) -> None:
        if name == at:
            raise KeyboardInterrupt

    return reached


PLACES = {
    "folder": ("after publishing report.html", "before publishing to index.sqlite", "after publishing to index.sqlite"),
    "redis": ("before publishing to redis", "within publishing to redis", "after publishing to redis"),
}


@pytest.mark.parametrize("number", range(3))
def test_killed_between_its_files_and_the_index_a_run_goes_on_with_what_it_began_with(
    tmp_path: Path, index: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = PLACES["redis" if index.startswith("redis") else "folder"][number]
    first, second = written(tmp_path / "a.jsonl", BOAT, BREAD), written(tmp_path / "b.jsonl", BREAD + " again", BIRDS)
    third = written(tmp_path / "c.jsonl", BIRDS + " again")
    clean(first, index, tmp_path / "a")
    clean(second, index, tmp_path / "whole")
    shutil.rmtree(tmp_path / "published", ignore_errors=True)
    other = index if "redis" not in index else index + "other"
    clean(first, other, tmp_path / "a2")
    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "reached", die(place))
        with pytest.raises(KeyboardInterrupt):
            clean(second, other, tmp_path / "b")
    clean(third, other, tmp_path / "c")  # publishes BIRDS meanwhile, unless b has already
    clean(second, other, tmp_path / "b")
    assert kept(tmp_path / "b") == kept(tmp_path / "whole") == [BIRDS]
    again = clean(third, other, tmp_path / "d", rules="default")  # another run: its own are not what it is
    text = (again.folder / "ledger.jsonl").read_text(encoding="utf-8")
    assert f'"published_before": {{"records": {3 + len(kept(tmp_path / "c"))}' in text


def test_a_run_that_goes_on_is_compared_with_what_was_there_when_it_began(
    tmp_path: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = written(tmp_path / "a.jsonl", BOAT, BREAD)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "walk", stop)
        with pytest.raises(Stopped):
            clean(given, index, tmp_path / "a")
    clean(written(tmp_path / "b.jsonl", BOAT), index, tmp_path / "b")
    clean(given, index, tmp_path / "a")
    assert kept(tmp_path / "a") == [BOAT, BREAD]
    clean(given, index, tmp_path / "a", fresh=True)
    assert kept(tmp_path / "a") == [BREAD]


def stop(*_words: object, **_more: object) -> None:
    raise Stopped("the light went out")


def test_the_folder_of_a_run_does_not_change_with_what_others_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = written(tmp_path / "a.jsonl", BOAT, BREAD)
    first = clean(given, "published", None)
    clean(written(tmp_path / "b.jsonl", BIRDS), "published", None)
    assert clean(given, "published", None).folder == first.folder


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"num_perm": 256}, "num_perm 128, and this run has 256"),
        ({"seed": 7}, "seed 1, and this run has 7"),
        ({"shingle_words": 2}, "shingle_words 3, and this run has 2"),
        ({"over": "record"}, "over 'instruction', and this run has 'record'"),
    ],
)
def test_an_index_made_otherwise_is_one_line(tmp_path: Path, index: str, knobs: dict[str, Any], said: str) -> None:
    given = written(tmp_path / "a.jsonl", BOAT, BREAD)
    clean(given, index, tmp_path / "a")
    with pytest.raises(BadInput, match=said) as fault:
        clean(given, index, tmp_path / "b", **knobs)
    assert fault.value.exit_code == 2
    assert "\n" not in str(fault.value)
    assert not (tmp_path / "b").exists()


def test_the_bands_of_an_index_in_redis_are_those_of_its_maker(tmp_path: Path, redis_port: int) -> None:
    given, place = written(tmp_path / "a.jsonl", BOAT), f"redis://127.0.0.1:{redis_port}#bands"
    clean(given, place, tmp_path / "a")
    with pytest.raises(BadInput, match="bands 21, and this run has"):
        clean(given, place, tmp_path / "b", jaccard=0.6)
    clean(written(tmp_path / "c.jsonl", BOAT), place.replace("#bands", "#own"), tmp_path / "c", jaccard=0.6)


def test_an_index_in_a_folder_serves_any_threshold(tmp_path: Path) -> None:
    index = str(tmp_path / "published")
    clean(written(tmp_path / "a.jsonl", BOAT), index, tmp_path / "a")
    for number, jaccard in enumerate((0.5, 1.0)):
        near = written(tmp_path / "b.jsonl", f"{BOAT} and oil the mast, the boom and the tiller")
        clean(near, index, tmp_path / str(number), jaccard=jaccard)
    assert (len(kept(tmp_path / "0")), len(kept(tmp_path / "1"))) == (0, 1)


@pytest.mark.parametrize("at", ["signature", "shingles", "text"])
def test_a_changed_index_is_noticed(tmp_path: Path, at: str) -> None:
    index = tmp_path / "published"
    clean(written(tmp_path / "a.jsonl", BOAT, BREAD), str(index), tmp_path / "a")
    with sqlite3.connect(index / "index.sqlite") as db:
        value = "x" if at == "text" else bytes(512)
        db.execute(f"UPDATE entries SET {at} = ? WHERE ordinal = 1", (value,))
    with pytest.raises(BadInput, match="not as it was written"):
        clean(written(tmp_path / "b.jsonl", BIRDS), str(index), tmp_path / "b")


def test_what_is_no_index_is_one_line(tmp_path: Path) -> None:
    given, place = written(tmp_path / "a.jsonl", BOAT), tmp_path / "place"
    place.mkdir()
    (place / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="holds other files and no index"):
        clean(given, str(place), tmp_path / "a")
    (place / "index.sqlite").write_bytes(b"no database at all" * 99)
    with pytest.raises(BadInput, match="not an index, or a damaged one"):
        clean(given, str(place), tmp_path / "a")


def test_a_run_says_when_what_it_began_with_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index, given = tmp_path / "published", written(tmp_path / "b.jsonl", BIRDS)
    clean(written(tmp_path / "a.jsonl", BOAT), str(index), tmp_path / "a")
    with monkeypatch.context() as patch:
        patch.setattr(runs, "walk", stop)
        with pytest.raises(Stopped):
            clean(given, str(index), tmp_path / "b")
    shutil.rmtree(index)
    with pytest.raises(BadInput, match="no longer holds all that this run was compared with"):
        clean(given, str(index), tmp_path / "b")
    clean(given, str(index), tmp_path / "b", fresh=True)
    assert kept(tmp_path / "b") == [BIRDS]


def test_signatures_in_the_folder_are_the_librarys_bit_for_bit(tmp_path: Path) -> None:
    from datasketch import MinHash
    from xxhash import xxh64_intdigest

    from selfinstruct.dedup.minhash import shingles

    clean(written(tmp_path / "a.jsonl", BOAT, BREAD), str(tmp_path / "published"), tmp_path / "a")
    with sqlite3.connect(tmp_path / "published" / "index.sqlite") as db:
        rows = db.execute("SELECT signature FROM entries ORDER BY ordinal").fetchall()
    for text, (row,) in zip((BOAT, BREAD), rows, strict=True):
        theirs = MinHash(num_perm=128, seed=1, hashfunc=lambda data: xxh64_intdigest(data) & 0xFFFFFFFF)
        theirs.update_batch([shingle.encode() for shingle in shingles(text, 3)])
        assert row == theirs.hashvalues.astype("<u4").tobytes() == signatures([text])[0].astype("<u4").tobytes()


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("redis://:hidden@127.0.0.1/0", "REDIS_PASSWORD"),
        ("redis://", "is no address of an index"),
        ("redis://127.0.0.1/first", "is no address of an index"),
        ("redis://127.0.0.1:1/0", "see that Redis runs there"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_line(tmp_path: Path, place: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as fault:
        clean(written(tmp_path / "a.jsonl", BOAT), place, tmp_path / "a")
    assert "hidden" not in str(fault.value)


def test_nothing_in_redis_is_pickled(tmp_path: Path, redis_port: int) -> None:
    import redis

    clean(written(tmp_path / "a.jsonl", BOAT), f"redis://127.0.0.1:{redis_port}#plain", tmp_path / "a")
    client = redis.Redis(port=redis_port)
    keys: Any = client.hkeys("selfinstruct:plain:bands_keys")
    assert [key.decode().endswith(":0") for key in keys] == [True]
