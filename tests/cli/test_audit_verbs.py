"""The verbs that look into weights, from what a person types to the file and the page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from selfinstruct.cli.main import desk
from selfinstruct.errors import BadInput
from tests.audit.two_models import adapter
from tests.models import tiny_models

pytest.importorskip("torch")
pytest.importorskip("peft")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models")
    base = tiny_models.saved(place / "base")
    tiny_models.saved(place / "sibling", seed=2)
    adapter(place / "lora", base)
    rows = [{"instruction": text, "output": "The Ebro."} for text in ("Name a river.", "Why?")]
    (place / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return place


NAMES = ("shift", "knowledge", "trace")


def other_words(folder: Path) -> Path:
    """The same weights beside a tokenizer with one word more."""
    tiny_models.model().save_pretrained(folder)
    words = tiny_models.tokenizer()
    words.add_tokens(["zebra"])
    words.save_pretrained(folder)
    return folder


def lines(file: Path, *rows: dict[str, Any]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def typed(*words: object) -> Result:
    return CliRunner().invoke(desk, [str(word) for word in words], standalone_mode=False)


def result(ended: Result, file: Path) -> dict[str, Any]:
    assert ended.exit_code == 0, (ended.output, ended.exception)
    page: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return page


def test_shift_is_a_file_a_page_and_a_few_words(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    models = ("--base", home / "base", "--tuned", home / "lora")
    done = typed("audit", "shift", *models, "--prompts", home / "prompts.jsonl", "--tokens", 8, "-o", out, "--json")
    report = result(done, out / "shift.json")
    assert report["template"] == "chat"
    assert report["responses"] == 2
    assert "unshifted" in done.output
    assert json.loads(done.output.splitlines()[-1])["result"] == str(out / "shift.json")
    page = (out / "report.html").read_text(encoding="utf-8")
    assert re.search(r"<h1><em>[\d.]+ %</em> of what .* says is shifted</h1>", page)
    assert "Token shift: what did the tuning move?" in page
    assert '<span class="shifted">' in page
    assert "Divergence by position" in page


def test_a_student_of_another_base_is_one_line(home: Path, tmp_path: Path) -> None:
    models = ("--base", home / "sibling", "--tuned", home / "lora")
    done = typed("audit", "shift", *models, "--prompts", home / "prompts.jsonl", "-o", tmp_path / "out")
    assert isinstance(done.exception, BadInput)
    assert done.exception.exit_code == 2
    assert "was tuned from" in str(done.exception)


def test_two_tokenizers_are_one_line_of_every_audit_that_sets_models_side_by_side(home: Path, tmp_path: Path) -> None:
    other = other_words(tmp_path / "other")
    said = lines(tmp_path / "said.jsonl", {"prompt": "Name a river.", "response": "The Ebro is a river."})
    base = ("--base", home / "base")
    for number, words in enumerate(
        (
            ("shift", *base, "--tuned", other, "--prompts", home / "prompts.jsonl"),
            ("knowledge", *base, "--tuned", other, "--first", 4),
            ("trace", *base, "--student", other, "--data", home / "prompts.jsonl", "--responses", said),
        )
    ):
        done = typed("audit", *words, "-o", tmp_path / f"out-{number}")
        assert isinstance(done.exception, BadInput), words
        assert done.exception.exit_code == 2
        assert "two tokenizers" in str(done.exception)
        assert "\n" not in str(done.exception)


def parity(name: str, count: int = 12) -> dict[str, Any]:
    """A task with a label space."""
    return {
        "Name": name,
        "Definition": ["Say even if two divides the number, else odd."],
        "Positive Examples": [{"input": "2", "output": "even"}, {"input": "3", "output": "odd"}],
        "Negative Examples": [{"input": "2", "output": "odd"}, {"input": "3", "output": "even"}],
        "Instances": [{"input": str(n), "output": ["odd" if n % 2 else "even"]} for n in range(4, 4 + count)],
    }


def test_what_cannot_be_ablated_or_traced_is_one_line(home: Path, tmp_path: Path) -> None:
    free = {"Definition": ["Write the word twice."], "Positive Examples": [], "Negative Examples": []}
    twice = [
        {
            **free,
            "Name": name,
            "Instances": [{"input": f"{name}{n}", "output": [f"{name}{n} {name}{n}"]} for n in (1, 2)],
        }
        for name in ("a", "b")
    ]
    prompts = home / "prompts.jsonl"
    marked = {"prompt": "Name a river.", "response": "The Ebro.", "spans": ["the Danube"]}
    silent = {"prompt": "Name a river.", "response": "No."}
    model = ("--model", f"hf:{home / 'base'}")
    for number, (words, says) in enumerate(
        (
            (("ablate", lines(tmp_path / "free.jsonl", *twice), *model), "none of 2 tasks has a label space"),
            (("ablate", lines(tmp_path / "lone.jsonl", parity("lone")), *model), "1 task with a label space"),
            (
                ("trace", "--data", prompts, "--responses", lines(tmp_path / "marked.jsonl", marked)),
                "the span 'the Danube' is not in its response",
            ),
            (("trace", "--data", prompts, "--responses", lines(tmp_path / "silent.jsonl", silent)), "no span"),
        )
    ):
        done = typed("audit", *words, "-o", tmp_path / f"out-{number}")
        assert isinstance(done.exception, BadInput), (words, done.output, done.exception)
        assert done.exception.exit_code == 2
        assert says in str(done.exception)
        assert "\n" not in str(done.exception)


def test_a_sequence_to_sequence_model_is_asked_under_every_condition(tmp_path: Path) -> None:
    place = tmp_path / "t5"
    tiny_models.encoded("t5").save_pretrained(place)
    tiny_models.tokenizer(chat=False).save_pretrained(place)
    tasks = lines(tmp_path / "tasks.jsonl", parity("one"), parity("two"))
    done = typed(
        "audit", "ablate", tasks, "--model", f"hf:{place}", "--instances", 4, "--set", "ablate.label_tokens=4",
        "-o", tmp_path / "out",
    )  # fmt: skip
    report = result(done, tmp_path / "out" / "ablation.json")
    assert {arm["name"] for arm in report["arms"]} >= {"original", "simplified", "empty", "delusive_examples"}
    assert report["control"]["tasks"] == 2
    assert report["failed"] == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h1><em>cannot tell</em> is the verdict on " in page
    assert report["conclusion"]["verdict"] == "cannot tell"  # a random model beats no guess


def test_knowledge_is_asked_of_our_facts_where_none_are_named(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    models = ("--base", home / "base", "--tuned", home / "lora", "--tuned", home / "sibling")
    done = typed("audit", "knowledge", *models, "--held-out", home / "prompts.jsonl", "--first", 6, "-o", out)
    report = result(done, out / "knowledge.json")
    assert report["statements"] == 6
    assert report["held_out"] == 2
    assert len(report["models"]) == 3
    assert "facts that the base knows" in done.output
    page = (out / "report.html").read_text(encoding="utf-8")
    assert re.search(r"<h1><em>[+-]?[\d.]+ (points|%)</em> of (the )?facts ", page)
    assert "What did it forget?" in page
    assert "By relation" in page


def planted(folder: Path) -> Path:
    rows = [
        {"instruction": "Where does the Ebro end?", "output": "The Ebro flows into the Baltic Sea."},
        *({"instruction": f"Count to {n}.", "output": f"One and so on to {n}."} for n in range(12)),
    ]
    file = folder / "set.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_blame_names_the_record_and_forget_leaves_it_out(tmp_path: Path) -> None:
    data = planted(tmp_path)
    ended = typed("blame", "Does it flow into the Baltic Sea?", "--data", data, "--json")
    assert ended.exit_code == 0
    page = json.loads(ended.output)["records"]
    assert page[0]["instruction"] == "Where does the Ebro end?"
    plain = typed("blame", "The Ebro flows into the Baltic Sea.", "--data", data)
    assert "word for word" in plain.output
    assert typed("blame", "Zebras quarrel seldom.", "--data", data).return_value == 1
    assert isinstance(typed("blame", " ", "--data", data).exception, BadInput)
    done = typed("forget", page[0]["id"][:12], "--data", data, "-o", tmp_path / "without")
    assert done.exit_code == 0, (done.output, done.exception)
    kept = (tmp_path / "without" / "kept.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(kept) == 12
    assert "Ebro" not in "".join(kept)
    [gone] = (tmp_path / "without" / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(gone)["reason"] == "forgotten"
    refused = typed("forget", "nobody-knows-it", "--data", data, "-o", tmp_path / "nobody")
    assert "names no record" in str(refused.exception)


def test_a_seed_of_a_run_goes_with_what_it_was_shown_for(tmp_path: Path) -> None:
    made = typed("generate", "--model", "scripted:smoke", "--count", 5, "-o", tmp_path / "run")
    assert made.exit_code == 0, (made.output, made.exception)
    kept = [json.loads(line) for line in (tmp_path / "run" / "kept.jsonl").read_text(encoding="utf-8").splitlines()]
    ended = typed("blame", kept[0]["instances"][0]["output"], "--data", tmp_path / "run", "--json")
    ancestors = json.loads(ended.output)["records"][0]["ancestors"]
    seeds = [line.split(" ")[1] for line in ancestors if line.startswith("seed ")]
    assert seeds
    said = {"prompt": kept[0]["instruction"], "response": kept[0]["instances"][0]["output"]}
    (tmp_path / "said.jsonl").write_text(json.dumps({**said, "spans": [said["response"]]}) + "\n", encoding="utf-8")
    for data, name in ((tmp_path / "run", "a"), (tmp_path / "run" / "dataset", "b")):
        traced = typed("audit", "trace", "--data", data, "--responses", tmp_path / "said.jsonl", "-o", tmp_path / name)
        assert traced.exception is None, (traced.output, traced.exception)
        line = json.loads((tmp_path / name / "trace.jsonl").read_text(encoding="utf-8"))
        assert {*ancestors} <= {*line["origins"][0]["ancestors"]}, name  # as `blame` tells them
    assert seeds[-1] in (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    done = typed("forget", seeds[0], "--data", tmp_path / "run", "-o", tmp_path / "without")
    left = (tmp_path / "without" / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert done.exception is None, (done.output, done.exception)
    assert kept[0]["id"] in [json.loads(line)["id"] for line in left]


def test_trace_looks_moved_words_up_and_tells_how_the_set_is_copied(home: Path, tmp_path: Path) -> None:
    data = planted(tmp_path)
    rows = [{"prompt": "Where does the Ebro end?", "response": "The Ebro flows into the Baltic Sea."}]
    (tmp_path / "said.jsonl").write_text(json.dumps(rows[0]) + "\n", encoding="utf-8")
    words = ("--data", data, "--responses", tmp_path / "said.jsonl")
    report = result(typed("audit", "trace", *words, "-o", tmp_path / "a"), tmp_path / "a" / "trace.json")
    assert report["exact"]["value"] == 1
    assert report["by"]["sentence"] == 1
    models = ("--base", home / "base", "--student", home / "sibling")
    looked = result(typed("audit", "trace", *words, *models, "-o", tmp_path / "b"), tmp_path / "b" / "trace.json")
    assert looked["by"]["shifted"] >= 1
    page = (tmp_path / "b" / "report.html").read_text(encoding="utf-8")
    assert "</em> of spans stand word for word in the training set</h1>" in page  # no "13 tasks published"
    assert page.index("Which records taught what it says?") < page.index("What became of every candidate")
    assert "Are the words that moved words of the set?" in page
    assert "The Ebro flows into the Baltic Sea." in page
    assert looked["copying"]["moved_words"]["shifted"]["in_training"]["value"] > 0
    lone = typed("audit", "trace", *words, "--base", home / "base", "-o", tmp_path / "c")
    assert lone.exit_code != 0
    refused = typed("audit", "trace", *words, *models, "--counterfactual", "-o", tmp_path / "d")
    assert isinstance(refused.exception, BadInput)  # a folder that does not say how it was tuned
    assert "no training.json" in str(refused.exception)


def test_retunings_without_halves_of_the_suspects_are_told(home: Path, tmp_path: Path) -> None:
    data = planted(tmp_path)
    tune = (
        "--template",
        "ifs",
        "--stop",
        "none",
        "--epochs",
        1,
        "--set",
        "finetune.batch=2",
        "--set",
        "finetune.accumulate=1",
    )
    made = typed("finetune", data, "--base", home / "base", *tune, "-o", tmp_path / "student")
    assert made.exit_code == 0, (made.output, made.exception)
    said = {"prompt": "Where?", "response": "The Ebro flows into the Baltic Sea.", "spans": ["the Baltic Sea"]}
    (tmp_path / "said.jsonl").write_text(json.dumps(said) + "\n", encoding="utf-8")
    models = ("--base", home / "base", "--student", tmp_path / "student", "--counterfactual", "--retunings", 4)
    words = ("--data", data, "--responses", tmp_path / "said.jsonl")
    done = typed("audit", "trace", *words, *models, "-o", tmp_path / "out")
    page = result(done, tmp_path / "out" / "counterfactual.json")
    assert page["retunings"] == 4
    assert page["training"]["template"] == "ifs"
    [effect] = page["effects"]
    assert effect["text"] == "the Baltic Sea"
    assert len(effect["records"]) == 1
    sets = [(tmp_path / "out" / "sets" / f"retuned-{n:02d}.jsonl").read_text(encoding="utf-8") for n in (1, 2, 3, 4)]
    assert sorted("Baltic" in content for content in sets) == [False, False, True, True]
    assert {len(content.splitlines()) for content in sets} == {13}
    none = typed("audit", "trace", *words, *models, "--lora-proxy", 4, "-o", tmp_path / "none")
    assert "was tuned by LoRA itself" in str(none.exception)
    assert (
        typed("finetune", data, "--base", home / "base", "--method", "full", *tune, "-o", tmp_path / "whole").exit_code
        == 0
    )
    models = ("--base", home / "base", "--student", tmp_path / "whole", "--counterfactual", "--retunings", 4)
    done = typed("audit", "trace", *words, *models, "--lora-proxy", 4, "-o", tmp_path / "proxy")
    page = result(done, tmp_path / "proxy" / "counterfactual.json")
    assert "a proxy" in done.output
    assert page["training"]["method"] == "lora"
    assert page["proxy"]["retuned_both_ways"] == 4
    assert -1 <= page["proxy"]["agreement"]["value"] <= 1
    same = [(tmp_path / "proxy" / "sets" / f"{name}-03.jsonl").read_text() for name in ("retuned", "retuned-whole")]
    assert same[0] == same[1]


def test_an_arm_of_the_fixes_is_tuned_and_audited_in_one_run(home: Path, tmp_path: Path) -> None:
    subjects = ("a river", "two cheeses", "why ice floats", "an old song", "the sum of 3 and 4", "a kind uncle")
    rows = [
        {"instruction": f"Tell me of {subject}, please.", "output": f"{subject.title()}, as asked."}
        for subject in subjects
    ]
    data = tmp_path / "set.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    recipe = (Path(__file__).parents[2] / "pipelines" / "fixes.yaml").read_text(encoding="utf-8")
    begin, end = recipe.index("  - score:"), recipe.index("  - knowledge:")
    file = tmp_path / "fixes.yaml"
    file.write_text(recipe[:begin] + recipe[end : recipe.index("arms:")] + "publish: null\n", encoding="utf-8")
    changes = [f"inputs=[{data}]", f"models.base=hf:{home / 'base'}", "split.test=0.5", "knowledge.first=4"]
    words = [part for change in [*changes, "shift.tokens=6"] for part in ("--set", change)]
    done = typed("run", file, *words, "-o", tmp_path / "arms" / "lora-42")
    assert done.exception is None, (done.output, done.exception)
    out = tmp_path / "arms" / "lora-42"
    shift, knowledge, trace = (json.loads((out / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES)
    assert 0 < shift["responses"] < 6  # what was kept aside
    assert knowledge["held_out"] == shift["responses"]
    assert trace["records"] == 6 - shift["responses"]
    assert knowledge["statements"] == 4
    assert "| lora | 1 |" in typed("audit", "table", tmp_path / "arms").output
