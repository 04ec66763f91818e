"""What an input is, for the fingerprint of a run."""

from pathlib import Path

from selfinstruct.run.inputs import content


def run_folder(place: Path) -> Path:
    place.mkdir()
    (place / "kept.jsonl").write_text('{"instruction": "Name a river."}\n', encoding="utf-8")
    (place / "recipe.yaml").write_text("name: a\n", encoding="utf-8")
    (place / "report.html").write_text("one", encoding="utf-8")
    return place


def test_of_a_run_folder_the_records_count_and_nothing_beside_them(tmp_path: Path) -> None:
    place = run_folder(tmp_path / "run")
    before = content(str(place))
    (place / "report.html").write_text("two", encoding="utf-8")
    assert content(str(place)) == before
    (place / "kept.jsonl").write_text('{"instruction": "Name a lake."}\n', encoding="utf-8")
    assert content(str(place)) != before


def test_of_another_folder_every_file_counts_also_where_a_split_is_named(tmp_path: Path) -> None:
    place = tmp_path / "set"
    place.mkdir()
    (place / "train.jsonl").write_text('{"instruction": "Name a river."}\n', encoding="utf-8")
    before, named = content(str(place)), content(f"{place}#train")
    assert named == before
    (place / "train.jsonl").write_text('{"instruction": "Name a lake."}\n', encoding="utf-8")
    assert content(str(place)) != before
    assert content(f"{place}#train") != named
