"""The verbs that work on sets, as a person types them."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.typed import HOME, command, lines

SAMPLES = HOME / "pipelines" / "samples"


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("curated") / "run"
    ended = command("run", HOME / "pipelines" / "curate.yaml", "-o", folder)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{folder / 'dataset'}\n"
    return folder


def test_every_line_of_the_inputs_has_one_fate(curated: Path) -> None:
    read = len(json.loads((SAMPLES / "notes.json").read_text(encoding="utf-8")))
    read += sum(len((SAMPLES / f"{name}.jsonl").read_text().splitlines()) for name in ("chats", "answers"))
    assert read == sum(len(lines(curated / f"{fate}.jsonl")) for fate in ("kept", "rejected", "failed"))


def test_each_planted_fault_is_found_by_its_name(curated: Path) -> None:
    reasons = Counter(str(line["reason"]) for line in lines(curated / "rejected.jsonl"))
    planted = {"broken_json", "turns_out_of_order", "merged_items", "empty_output", "refusal", "repeated_phrases"}
    planted |= {"unfinished", "exact_duplicate", "near_duplicate", "contaminated", "arithmetic", "code", "labels"}
    assert planted <= set(reasons)


def test_a_duplicate_names_the_kept_record_it_duplicates(curated: Path) -> None:
    for line in lines(curated / "rejected.jsonl"):
        if line["reason"] in ("exact_duplicate", "near_duplicate", "contaminated"):
            evidence = line["evidence"]
            assert isinstance(evidence, dict)
            assert {"neighbour", "neighbour_text", "score"} <= set(evidence) or line["reason"] == "contaminated"


def test_the_result_loads_and_holds_whole_conversations(curated: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(curated / "dataset"), cache_dir=str(tmp_path))["train"]
    assert len(loaded) == len(lines(curated / "kept.jsonl"))
    roles = [tuple(turn["role"] for turn in row) for row in loaded["messages"]]
    assert ("user", "assistant", "user", "assistant") in roles
    assert ("user", "assistant") in roles


def test_the_card_says_what_was_checked_and_what_it_was_made_of(curated: Path) -> None:
    card = (curated / "dataset" / "README.md").read_text(encoding="utf-8")
    assert "| benchmark.jsonl | 1 |" in card
    assert "`notes.json`, `chats.jsonl`, `answers.jsonl`" in card
    assert "seed tasks" not in card


def test_the_page_shows_what_was_measured(curated: Path) -> None:
    page = (curated / "report.html").read_text(encoding="utf-8")
    for words in ("What another threshold would remove", "Root verbs and their objects", "Mean of the changed replies"):
        assert words in page


@pytest.mark.parametrize("workers", [2])
def test_several_processes_make_the_same_bytes(curated: Path, tmp_path: Path, workers: int) -> None:
    ended = command("run", HOME / "pipelines" / "curate.yaml", "-o", tmp_path / "run", "--workers", workers)
    assert ended.returncode == 0, ended.stderr
    for name in ("kept.jsonl", "rejected.jsonl", "report.html", "dataset/README.md", "dataset/data/train.parquet"):
        assert (tmp_path / "run" / name).read_bytes() == (curated / name).read_bytes()


def test_curate_is_the_recipe_it_stands_for(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    notes, chats = SAMPLES / "notes.json", SAMPLES / "chats.jsonl"
    ended = command("curate", notes, chats, "--exact", "--near-duplicates", 0.8, "-o", folder)
    assert ended.returncode == 0, ended.stderr
    for name in ("kept.jsonl", "rejected.jsonl", "report.html", "dataset/data/train.parquet"):
        assert (folder / name).exists()
    assert command("check", folder / "recipe.yaml").returncode == 0
    row = lines(folder / "rejected.jsonl")[-1]
    assert command("why", str(row["id"])[:12], folder).returncode == 0


def test_a_curated_set_is_split_where_a_share_is_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ended = command("curate", SAMPLES / "notes.json", "--test-share", 0.3, "-o", folder)
    assert ended.returncode == 0, ended.stderr
    files = sorted((folder / "dataset" / "jsonl").glob("*.jsonl"))
    assert [path.stem for path in files] == ["test", "train"]
    assert sum(map(len, map(lines, files))) == len(lines(folder / "kept.jsonl"))


def test_without_rules_nothing_is_judged(tmp_path: Path) -> None:
    ended = command("curate", SAMPLES / "notes.json", "--rules", "none", "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    assert lines(tmp_path / "run" / "rejected.jsonl") == []


def test_contamination_can_end_with_a_failed_gate(tmp_path: Path) -> None:
    words = ("curate", SAMPLES / "chats.jsonl", "--against", SAMPLES / "benchmark.jsonl")
    assert command(*words, "-o", tmp_path / "told").returncode == 0
    assert command(*words, "--fail-on-contamination", "-o", tmp_path / "gate").returncode == 1
    clean = ("curate", SAMPLES / "answers.jsonl", "--against", SAMPLES / "benchmark.jsonl", "--fail-on-contamination")
    assert command(*clean, "-o", tmp_path / "clean").returncode == 0


def test_strict_ends_at_the_first_broken_line_and_publishes_nothing(tmp_path: Path) -> None:
    ended = command("curate", SAMPLES / "chats.jsonl", "--strict", "-o", tmp_path / "run")
    assert ended.returncode == 2
    assert "chats.jsonl:6" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "run" / "kept.jsonl").exists()


def test_simplify_and_verify_take_what_curate_kept(curated: Path, tmp_path: Path) -> None:
    ended = command("simplify", curated / "kept.jsonl", "--rules-only", "-o", tmp_path / "short")
    assert ended.returncode == 0, ended.stderr
    again = command("simplify", tmp_path / "short" / "kept.jsonl", "--rules-only", "-o", tmp_path / "again")
    assert again.returncode == 0, again.stderr
    texts = [
        [pair["output"] for line in lines(tmp_path / name / "kept.jsonl") for pair in line["instances"]]  # type: ignore[attr-defined]
        for name in ("short", "again")
    ]
    assert texts[0] == texts[1]
    right = command("verify", SAMPLES / "answers.jsonl", "-o", tmp_path / "right")
    assert right.returncode == 0, right.stderr
    reasons = {line["reason"] for line in lines(tmp_path / "right" / "rejected.jsonl")}
    assert {"arithmetic", "code", "labels"} <= reasons


def test_mix_wants_a_recipe_that_mixes(tmp_path: Path) -> None:
    ended = command("mix", HOME / "pipelines" / "smoke.yaml", "-o", tmp_path / "run")
    assert ended.returncode == 2
    assert "`mix`" in ended.stderr
    recipe = tmp_path / "mixture.yaml"
    recipe.write_text(
        f"name: mixture\ninputs: [{SAMPLES / 'notes.json'}, {SAMPLES / 'answers.jsonl'}]\n"
        "stages:\n  - mix: {budget: 10, by: rows, equal_budget: true}\n",
        encoding="utf-8",
    )
    ended = command("mix", recipe, "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    sources = Counter(line["provenance"]["source"] for line in lines(tmp_path / "run" / "kept.jsonl"))  # type: ignore[index]
    assert sources == {"notes.json": 5, "answers.jsonl": 5}
    row = next(line for line in ended.stderr.splitlines() if line.strip().startswith("notes.json"))
    assert row.split()[1:3] == ["15", "5"]


@pytest.mark.parametrize("layout", ["messages", "sharegpt", "tags"])
def test_convert_keeps_every_turn_and_tells_what_it_could_not_use(tmp_path: Path, layout: str) -> None:
    target = tmp_path / "out.jsonl"
    ended = command("convert", SAMPLES / "chats.jsonl", "--to", layout, "-o", target)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{target}\n"
    assert len(lines(target)) == 7
    rejects = lines(tmp_path / "out.jsonl.rejected.jsonl")
    assert [str(line["place"]).rpartition(":")[2] for line in rejects] == ["6", "9"]


def test_convert_tells_how_many_answers_are_not_to_be_learned(tmp_path: Path) -> None:
    judged = [{"prompt": "Name a river.", "completion": name, "label": name == "Tay"} for name in ("Tay", "Ben Nevis")]
    (tmp_path / "judged.jsonl").write_text("".join(json.dumps(row) + "\n" for row in judged))
    ended = command("convert", tmp_path / "judged.jsonl", "-o", tmp_path / "out.jsonl")
    assert "answers marked as not to be learned: 1" in ended.stderr
    good, bad = (tmp_path / "out.jsonl").read_text().splitlines()
    assert '"weight": 0' not in good
    assert '"weight": 0' in bad


def test_convert_does_not_cut_a_conversation_unasked(tmp_path: Path) -> None:
    words = ("convert", SAMPLES / "chats.jsonl", "--to", "alpaca", "-o", tmp_path / "out.json")
    ended = command(*words)
    assert ended.returncode == 2
    assert "--first-turn" in ended.stderr
    assert list(tmp_path.iterdir()) == []
    assert command(*words, "--first-turn").returncode == 0


@pytest.mark.parametrize("words", [("curate",), ("simplify",), ("verify",)])
def test_an_input_that_is_not_there_is_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    ended = command(*words, tmp_path / "nothing.jsonl", "-o", tmp_path / "run")
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["out.txt", "out", "out.docx"])
def test_a_target_that_cannot_be_written_is_named_as_it_was_typed(tmp_path: Path, name: str) -> None:
    ended = command("convert", HOME / "pipelines" / "samples" / "notes.json", "-o", tmp_path / name)
    assert ended.returncode == 2
    assert name in ended.stderr
    assert ".tmp-" not in ended.stderr
    assert not [*tmp_path.iterdir()]


def test_what_is_typed_has_no_lines(tmp_path: Path) -> None:
    ended = command(
        "curate",
        HOME / "pipelines" / "samples" / "notes.json",
        "--near-duplicates",
        "0.9",
        "--set",
        "near.jaccard=7",
        "-o",
        tmp_path,
    )
    assert ended.returncode == 2
    assert "the command line" in ended.stderr
    assert "the command line:" not in ended.stderr.replace("the command line: ", "")


def test_against_lists_the_layouts_and_how_to_come_to_one(tmp_path: Path) -> None:
    from selfinstruct.formats.layouts import LAYOUTS

    odd = tmp_path / "odd.jsonl"
    odd.write_text('{"colour": "red", "n": 3}\n', encoding="utf-8")
    ended = command("curate", SAMPLES / "notes.json", "--against", odd, "-o", tmp_path / "run")
    assert ended.returncode == 2
    assert all(f"{layout}: " in ended.stderr for layout in list(LAYOUTS)[:5])
    assert "say which columns to read: --against-columns instruction=...,output=..." in ended.stderr
    said = " ".join(command("curate", "--help").stdout.split())
    assert "layouts: alpaca, messages, sharegpt" in said


def test_a_set_is_not_converted_over_itself(tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    mine.write_text('{"instruction": "Say a.", "output": "a"}\n{"instruction": ""}\n', encoding="utf-8")
    before = mine.read_bytes()
    ended = command("convert", mine, "-o", mine)
    assert (ended.returncode, mine.read_bytes()) == (2, before)
    assert (
        "is the input itself, and records that cannot be used would be lost with it; name another file" in ended.stderr
    )
    assert command("convert", mine, "-o", tmp_path / "other.jsonl").returncode == 0


def test_a_table_is_data_and_keeps_what_a_spreadsheet_would_compute(tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    mine.write_text('{"instruction": "Write a sum for a cell.", "output": "=1+1"}\n', encoding="utf-8")
    assert command("convert", mine, "--to", "alpaca", "-o", tmp_path / "mine.csv").returncode == 0
    assert ",=1+1" in (tmp_path / "mine.csv").read_text(encoding="utf-8-sig")
    assert "a spreadsheet takes one that begins with = for a formula" in " ".join(
        command("convert", "--help").stdout.split()
    )
