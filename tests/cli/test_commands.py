"""The command line as a person meets it: what it prints where, and how it ends."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import parse_yaml
from selfinstruct.run.resume import _clear
from selfinstruct.run.seeds_and_benchmarks import seeds_and_benchmarks
from selfinstruct.store.ledger import last_totals
from selfinstruct.store.run_folder import RunFolder
from tests.cli.typed import HOME, SCRIPT, command, lines, process

SEEDS = HOME / "seeds" / "self_instruct.jsonl"


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("smoke") / "run"
    ended = process("run", HOME / "pipelines" / "smoke.yaml", "-o", folder)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{folder / 'dataset'}\n"
    assert "20 of 20 tasks kept" in ended.stderr
    proposed, rejected = re.search(r"(\d+) proposed, (\d+) rejected: .*2 beyond_target", ended.stderr).groups()  # type: ignore[union-attr]
    assert int(proposed) - int(rejected) == 20
    return folder


def test_the_published_set_has_exactly_the_target_and_loads(smoke: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(smoke / "dataset"), cache_dir=str(tmp_path))["train"]
    tasks = {str(identity).rpartition("/")[0] for identity in loaded["id"]}
    assert len(tasks) == len(lines(smoke / "kept.jsonl")) == 20


def test_every_candidate_has_one_fate(smoke: Path) -> None:
    proposed = [line for place in smoke.glob("round-*/01-propose/kept.jsonl") for line in lines(place)]
    fates = [len(lines(smoke / f"{fate}.jsonl")) for fate in ("kept", "rejected", "failed")]
    assert len(proposed) == sum(fates)
    assert all(line["reason"] for line in lines(smoke / "rejected.jsonl"))


def test_the_report_is_one_offline_page(smoke: Path) -> None:
    page = (smoke / "report.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "src=" not in page
    before = (smoke / "report.html").read_bytes()
    (smoke / "report.html").unlink()
    assert command("report", smoke).returncode == 0
    assert (smoke / "report.html").read_bytes() == before


def test_why_walks_from_the_published_task_back_to_the_seeds(smoke: Path) -> None:
    identity = str(lines(smoke / "kept.jsonl")[0]["id"])
    ended = command("why", identity[:12], smoke)
    assert ended.returncode == 0
    assert "shown seed" in ended.stdout
    assert "01-propose: kept" in ended.stdout
    assert "06-prepare: kept" in ended.stdout


def test_why_tells_the_neighbour_of_a_rejected_task(smoke: Path) -> None:
    rejected = next(line for line in lines(smoke / "rejected.jsonl") if line["reason"] == "too_similar")
    ended = command("why", rejected["id"], smoke)
    assert "rejected (too_similar)" in ended.stdout
    assert "rouge_l" in ended.stdout


def test_show_adds_up_and_says_whether_anybody_works(smoke: Path) -> None:
    ended = command("show", smoke, "--json")
    look = json.loads(ended.stdout)
    assert (look["running"], look["published"]) == (False, 20)


def test_the_same_command_again_changes_nothing_and_a_higher_count_goes_on(tmp_path: Path) -> None:
    from tests.faults.same import files

    folder = tmp_path / "run"
    assert command("run", "smoke", "--set", "count=5", "-o", folder).returncode == 0
    before = files(folder)
    assert command("run", "smoke", "--set", "count=5", "-o", folder).returncode == 0
    assert files(folder) == before
    assert command("run", "smoke", "--set", "count=9", "-o", folder).returncode == 0
    assert len(lines(folder / "kept.jsonl")) == 9


def test_a_higher_count_does_the_stages_after_the_rounds_again_with_all_records(tmp_path: Path) -> None:
    folder, stages = tmp_path / "run", "stages=[{split: {}}]"
    for count in (12, 20):
        ended = command("run", "smoke", "--set", f"count={count}", "--set", stages, "-o", folder)
        assert ended.returncode == 0, ended.stderr
        assert len(lines(folder / "kept.jsonl")) == count
    assert all(line["extra"] in ({"split": "train"}, {"split": "test"}) for line in lines(folder / "kept.jsonl"))
    splits = [line for line in lines(folder / "ledger.jsonl") if line.get("stage") == "01-split"]
    assert [line["received"] for line in splits] == [12, 20]


def test_another_run_may_not_land_in_the_folder_and_the_key_is_named(smoke: Path) -> None:
    ended = command("run", "smoke", "--set", "novelty.rouge_l_below=0.5", "-o", smoke)
    assert ended.returncode == 2
    assert "'rounds.3.novelty.rouge_l_below' was 0.7 and is now 0.5" in ended.stderr


def test_fresh_makes_everything_again_from_the_journal(tmp_path: Path) -> None:
    from tests.faults.same import answers, files

    folder = tmp_path / "run"
    assert command("run", "smoke", "--set", "count=5", "-o", folder).returncode == 0
    before, paid = files(folder), answers(folder)
    assert command("run", "smoke", "--set", "count=5", "-o", folder, "--fresh").returncode == 0
    assert files(folder) == before
    assert answers(folder) == paid


def test_a_folder_whose_clearing_was_cut_short_is_still_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    assert command("run", "smoke", "--set", "count=5", "-o", folder).returncode == 0
    remove, removed = shutil.rmtree, list[str]()

    def once(path: Path) -> None:
        if removed:
            raise RuntimeError
        removed.append(str(path))
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", once)
    with pytest.raises(RuntimeError):
        _clear(RunFolder(folder), last_totals(folder / "ledger.jsonl"))
    monkeypatch.undo()
    assert removed
    ended = command("run", "smoke", "--set", "count=5", "-o", folder, "--fresh")
    assert ended.returncode == 0, ended.stderr
    assert len(lines(folder / "kept.jsonl")) == 5


def test_a_negative_seed_is_refused_at_once(tmp_path: Path) -> None:
    ended = command("run", "smoke", "--set", "seed=-1", "-o", tmp_path / "run")
    assert ended.returncode == 2
    assert "seed" in ended.stderr
    assert not (tmp_path / "run").exists()


def test_reconsider_asks_nobody_and_shows_what_would_change(smoke: Path) -> None:
    ended = command("reconsider", smoke, "--set", "novelty.rouge_l_below=0.35")
    assert ended.returncode == 0, ended.stderr
    assert "-> too_similar" in ended.stdout
    assert "kept 20 ->" in ended.stderr


def test_a_cap_that_would_be_passed_stops_the_run_and_a_higher_one_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ["generate", "--model", "scripted:smoke", "--count", "4", "-o", folder]
    ended = command(*words, "--max-total-tokens", "3000")
    assert ended.returncode == 3, ended.stderr
    assert "raise --max-total-tokens" in ended.stderr
    assert command(*words, "--max-total-tokens", "90000000").returncode == 0


def test_a_dry_run_sends_nothing_and_writes_nothing(tmp_path: Path) -> None:
    ended = command("run", "smoke", "--dry-run", "-o", tmp_path / "run")
    assert ended.returncode == 0
    assert "exact" in ended.stdout
    assert "a range" in ended.stdout
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("words", "splits"), [([], ["test", "train"]), (["--test-share", "0"], ["train"])])
def test_a_generated_set_is_split_unless_that_is_refused(words: list[str], splits: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ended = command("generate", "--model", "scripted:smoke", "--count", "4", *words, "-o", folder)
    assert ended.returncode == 0, ended.stderr
    files = sorted((folder / "dataset" / "jsonl").glob("*.jsonl"))
    assert [path.stem for path in files] == splits
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) == 4


@pytest.mark.parametrize("until", ["instructions", "instances"])
def test_a_run_can_end_early(until: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ended = command("generate", "--model", "scripted:smoke", "--count", "3", "--until", until, "-o", folder)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{folder / 'kept.jsonl'}\n"
    assert not (folder / "dataset").exists()


@pytest.mark.parametrize("count", [1, 7])
def test_a_few_seeds_are_enough_and_are_remarked_on(count: int, tmp_path: Path) -> None:
    seeds = tmp_path / "seeds.jsonl"
    seeds.write_text("".join(SEEDS.read_text(encoding="utf-8").splitlines(keepends=True)[:count]), encoding="utf-8")
    words = ["--seeds", seeds, "--model", "scripted:smoke", "--count", 3, "--set", "classify.by=model"]
    ended = command("generate", *words, "-o", tmp_path / "run")
    assert ended.returncode == 0, ended.stderr
    assert f"only {count} seed tasks" in ended.stderr


def test_two_processes_on_one_folder_are_one_too_many(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    script = tmp_path / "slow.yaml"
    script.write_text("answers:\n  - {fail: server_error, retry: later}\n")
    words = ["generate", "--model", f"scripted:{script}", "--count", "3", "-o", str(folder)]
    first = subprocess.Popen([SCRIPT, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if (folder / "journal.sqlite").exists():
                break
            time.sleep(0.05)
        second = process(*words)
        assert second.returncode == 3
        assert f"held by process {first.pid}" in second.stderr
        first.terminate()
        assert first.wait(30) == 143
    finally:
        first.kill()
        first.wait(10)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["run", "no-such.yaml"], 2, "no-such.yaml: no such file"),
        (["run", "smoke", "--set", "novelty.rouge_l=1"], 2, "no knob 'rouge_l' (did you mean 'rouge_l_below'?)"),
        (["run", "smoke", "--set", "novelti.rouge=1"], 2, "no stage 'novelti'"),
        (["run", "smoke", "--set", "novelty.rouge_l_below=high"], 2, "knob 'rouge_l_below'"),
        (["run", "smoke", "--set", "cuont=1"], 2, "no key 'cuont' (did you mean 'count'?)"),
        (["generate", "--model", "gpt", "-o", "unused"], 2, "no model kind 'gpt'"),
        (["generate", "--model", "scripted:smoke", "--seeds", "nowhere.jsonl"], 2, "nowhere.jsonl"),
        (["generate", "--model", "scripted:smoke", "--max-cost", "much"], 2, "max_cost"),
        (["show", "nowhere"], 2, "nowhere: no such folder"),
        (["why", "abcdef", "nowhere"], 2, "nowhere: no such folder"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(
    words: list[str], code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = command(*words)
    assert ended.returncode == code
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_init_makes_a_folder_whose_recipes_are_right(tmp_path: Path) -> None:
    assert command("init", tmp_path / "mine").returncode == 0
    for recipe in sorted((tmp_path / "mine" / "pipelines").glob("*.yaml")):
        ended = command("check", recipe)
        assert ended.returncode == 0, ended.stderr
        assert f"name: {recipe.stem}" in ended.stdout
        assert "rouge_l_below: 0.7" in ended.stdout or "- novelty" not in recipe.read_text(encoding="utf-8")


def test_a_sheet_goes_out_and_its_rates_come_back(smoke: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    assert command("review", smoke, "--n", 5, "-o", sheet).returncode == 0
    rows = sheet.read_bytes().decode("utf-8-sig").replace(",,,,", ",yes,yes,no,")
    sheet.write_bytes(rows.encode())
    ended = command("review", smoke, "--filled", sheet)
    assert ended.returncode == 0, ended.stderr
    assert "92" in ended.stdout


def test_a_plan_needs_no_key_and_says_which_one_the_run_will_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "MY_KEY"):
        monkeypatch.delenv(name, raising=False)
    ended = command("generate", "--model", "openai:gpt-4.1-mini", "--count", 20, "--dry-run")
    assert ended.returncode == 0
    assert (
        "openai:gpt-4.1-mini: not set in the environment, and the run itself will need it: OPENAI_API_KEY\n"
        in ended.stderr
    )
    assert "0.0" in ended.stdout
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        "name: mine\nmodels: { teacher: { openai: m, base_url: 'http://127.0.0.1:9/v1', api_key_env: MY_KEY } }\n"
        "seeds: builtin\ncount: 5\nrounds: [propose, filter, novelty, classify, instances, prepare]\n",
        encoding="utf-8",
    )
    ended = command("run", recipe, "--dry-run")
    assert ended.returncode == 0
    assert "will need it: MY_KEY" in ended.stderr
    assert command("run", recipe, "-o", tmp_path / "run").returncode == 2


def test_a_plan_without_a_model_says_that_none_is_asked() -> None:
    ended = command("curate", HOME / "pipelines" / "samples" / "notes.json", "--dry-run")
    assert (ended.returncode, ended.stdout) == (0, "no model is asked, so nothing is sent and nothing is paid\n")


def test_a_model_that_was_typed_is_told_of_as_it_was_typed() -> None:
    ended = command("score", "openai")
    assert ended.returncode == 2
    assert ended.stderr.startswith("selfinstruct: model 'openai': does not say which model; write openai:NAME")


def test_seeds_in_a_table_are_read_by_the_columns_that_are_named(tmp_path: Path) -> None:
    table, seeds = tmp_path / "mine.csv", tmp_path / "seeds.jsonl"
    table.write_text("task,solution\nWhat is clay?,Earth.\nWhat is slip?,Wet clay.\n", encoding="utf-8")
    plan = ("generate", "--model", "scripted:smoke", "--dry-run", "--seeds")
    ended = command(*plan, table)
    assert ended.returncode == 2
    assert f"{table}:2: no known layout" in ended.stderr
    assert "say which columns to read: --columns instruction=...,output=..." in ended.stderr
    columns = ("--columns", "instruction=task,output=solution")
    assert command(*plan, table, *columns).returncode == 0
    ended = command(*plan, table, "--columns", "instruction=work")
    assert ended.returncode == 2
    assert f"{table}:2: no column 'work'; it has task, solution" in ended.stderr
    assert command("convert", table, "--to", "seeds", *columns, "-o", seeds).returncode == 0
    assert [line["instruction"] for line in lines(seeds)] == ["What is clay?", "What is slip?"]
    assert command(*plan, seeds).returncode == 0


def test_columns_of_a_set_that_is_not_named_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("question,answer\nWhat is clay?,Earth.\n", encoding="utf-8")
    ended = command("curate", table, "--against-columns", "instruction=question", "-o", tmp_path / "run")
    assert (ended.returncode, (tmp_path / "run").exists()) == (2, False)
    assert "--against-columns: columns of no benchmark; add --against FILE" in ended.stderr
    ended = command("generate", "--columns", "instruction=question", "--model", "scripted:smoke", "--dry-run")
    assert ended.returncode == 2
    assert "--columns: columns of no seeds; add --seeds FILE" in ended.stderr


def test_seeds_of_any_layout_are_seeds(tmp_path: Path) -> None:
    chats = tmp_path / "chats.jsonl"
    turns = [{"role": "user", "content": "What is clay?"}, {"role": "assistant", "content": "Earth."}]
    chats.write_text(json.dumps({"messages": turns}) + "\n", encoding="utf-8")
    recipe = f"name: mine\nseeds: {chats}\nrounds: [propose]\nmodels: {{ teacher: 'scripted:smoke' }}\n"
    [seed] = seeds_and_benchmarks(resolve(parse_yaml(recipe.encode(), "mine.yaml")), print).seeds
    assert (seed.instruction, seed.instances[0].output) == ("What is clay?", "Earth.")
    assert (seed.human, seed.provenance.stage, seed.provenance.source) == (True, "seed", "chats.jsonl")


def test_columns_of_a_benchmark_are_named_apart_from_those_of_the_set(tmp_path: Path) -> None:
    made, bench = tmp_path / "made.jsonl", tmp_path / "bench.csv"
    made.write_text('{"q1": "Which town lies where the Ouse meets the sea?", "a1": "Newhaven."}\n', encoding="utf-8")
    bench.write_text("frage,antwort\nWhich town lies where the Ouse meets the sea?,Newhaven.\n", encoding="utf-8")
    clean = ("curate", made, "--rules", "none", "--columns", "instruction=q1,output=a1", "--against", bench)
    ended = command(*clean, "-o", tmp_path / "first")
    assert ended.returncode == 2
    assert "--against-columns instruction=...,output=..." in ended.stderr
    assert (
        command(*clean, "--against-columns", "instruction=frage,output=antwort", "-o", tmp_path / "run").returncode == 1
    )
    [rejected] = lines(tmp_path / "run" / "rejected.jsonl")
    assert rejected["reason"] == "contaminated"
