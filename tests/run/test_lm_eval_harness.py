"""Tasks of lm-evaluation-harness: a task file of our own, a tiny model, a loopback endpoint, and what is refused."""

import importlib.util
import json
import multiprocessing
import os
import resource
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pytest_httpserver import HTTPServer
from werkzeug import Request as Asked
from werkzeug import Response

from selfinstruct.cli.main import desk
from selfinstruct.errors import BadInput, Stopped
from selfinstruct.evaluate.harness.results import harness_lines, harness_numbers
from selfinstruct.evaluate.harness.tasks import HARNESS, HarnessTask, harness_tasks
from selfinstruct.run import lm_eval_process
from selfinstruct.run.lm_eval_harness import check_task_files, harness, limits_of
from selfinstruct.run.recipe.keys import Limits
from selfinstruct.run.score_without_run import compare_folders
from tests.models import tiny_models
from tests.models.loopback import chat

installed = pytest.mark.skipif(importlib.util.find_spec("lm_eval") is None, reason="needs the extra `eval`")

CHOICE = """
task: our_rivers
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
output_type: multiple_choice
test_split: test
doc_to_text: "{{{{question}}}}"
doc_to_choice: ["Tay", "Rhine"]
doc_to_target: "{{{{answer}}}}"
metric_list:
  - metric: acc
"""
WRITTEN = """
task: our_sums
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
output_type: generate_until
test_split: test
unsafe_code: {unsafe}
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs:
  max_gen_toks: 8
  until: ["\\n"]
filter_list:
  - name: last-number
    filter:
      - function: regex
        group_select: -1
        regex_pattern: "(-?[0-9]+)"
      - function: take_first
metric_list:
  - metric: exact_match
"""
CODE = """
task: our_code
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
unsafe_code: true
output_type: generate_until
test_split: test
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{test}}}}\\ncheck({{{{entry_point}}}})"
metric_list:
  - metric: !function utils.pass_at_k
    aggregation: mean
    higher_is_better: true
    k: [1]
generation_kwargs: {{until: ["\\nclass", "\\ndef", "\\n#", "\\nif", "\\nprint"], max_gen_toks: 64, do_sample: false}}
num_fewshot: 0
filter_list:
  - name: create_test
    filter:
      - function: custom
        filter_fn: !function utils.build_predictions
"""
UTILS = """
import multiprocessing, os

if os.environ.get("HF_ALLOW_CODE_EVAL") != "1":  # tried on import, as the harness's own tasks do
    raise ValueError("set HF_ALLOW_CODE_EVAL")

def run(program, found):
    try:
        exec(program, {})
    except BaseException:
        return
    found.put(True)

def pass_at_k(references, predictions, k=None):
    context, right = multiprocessing.get_context("fork"), 0
    for program in predictions[0]:
        found = context.Queue()
        process = context.Process(target=run, args=(program + "\\n" + references[0], found))
        process.start()
        process.join(20)
        process.kill()
        right += not found.empty()
    return right / len(predictions[0])

def build_predictions(resps, docs):
    return [[doc["prompt"] + said for said in resp] for resp, doc in zip(resps, docs)]
"""
PROGRAMS = {  # the body of each function, as a model writes it
    "right": "    return 2\n\nprint(right())",
    "wrong": "    return 3",
    "hog": "    return len(bytearray(3 << 30)) and 2",
    "thief": "    import os\n    return 1 if 'OPENAI_API_KEY' in os.environ else 2",
}
ROWS = [{"question": f"Which river, {number}?", "answer": number % 2} for number in range(4)]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "tasks"
    folder.mkdir()
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    (folder / "our_rivers.yaml").write_text(CHOICE.format(data=data), encoding="utf-8")
    (folder / "our_sums.yaml").write_text(WRITTEN.format(data=data, unsafe="false"), encoding="utf-8")
    return folder


@installed
@pytest.mark.slow
def test_a_task_of_ones_own_is_asked_of_a_model_here_and_read_back_into_the_table(files: Path, tmp_path: Path) -> None:
    tiny_models.saved(tmp_path / "tiny")
    results: Any = harness(f"hf:{tmp_path / 'tiny'}", ["our_rivers", "our_sums"], tmp_path / "out", task_files=files)
    page = json.loads((tmp_path / "out" / "harness.json").read_text(encoding="utf-8"))
    assert page == results
    assert results["model"].startswith("hf:tiny@")
    accuracy = results["tasks"]["our_rivers"]["metrics"]["acc"]
    assert (accuracy["n"], results["tasks"]["our_rivers"]["as_lm_eval_tells"]["results"]["our_rivers"]["acc,none"]) == (
        4,
        accuracy["value"],
    )
    assert "exact_match,last-number" in results["tasks"]["our_sums"]["metrics"]
    assert results["tasks"]["our_rivers"]["paper"] is False
    table = compare_folders([tmp_path / "out"])
    assert [column.measure for column in table.columns] == ["our_rivers acc", "our_sums exact_match,last-number"]


@installed
@pytest.mark.slow
def test_an_endpoint_is_asked_what_it_writes_and_refused_what_it_cannot_tell(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/v1/chat/completions", method="POST").respond_with_json(chat("It is 1"))
    monkeypatch.setenv("OPENAI_BASE_URL", httpserver.url_for("/v1"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    page: Any = harness("openai:small", ["our_sums"], tmp_path / "out", task_files=files)
    assert page["tasks"]["our_sums"]["metrics"]["exact_match,last-number"]["value"] == 0.5
    assert page["spent"]["cost"] is None
    assert page["spent"]["tokens"] >= 4 * 11
    asked = len(httpserver.log)
    assert harness("openai:small", ["our_sums"], tmp_path / "out", task_files=files) == page
    assert len(httpserver.log) == asked, "what is in the journal was asked again"
    with pytest.raises(BadInput, match="our_rivers compares likelihoods: a chat endpoint"):
        harness("openai:small", ["our_rivers"], tmp_path / "other", task_files=files)


@installed
@pytest.mark.slow
def test_a_cap_ends_it_and_a_dry_run_sends_nothing_and_needs_no_key(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/v1/chat/completions", method="POST").respond_with_json(chat("It is 1"))
    monkeypatch.setenv("OPENAI_BASE_URL", httpserver.url_for("/v1"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    words = ["score", "openai:small", "--suite", "harness", "--tasks", "our_sums", "--task-files", str(files)]
    said = CliRunner().invoke(desk, [*words, "--dry-run", "--json", "-o", str(tmp_path / "plan")])
    plan = json.loads(said.stdout)
    assert (plan["requests"], plan["completion_tokens_most"], plan["cost"]) == (4, 32, "unknown")
    assert (httpserver.log, (tmp_path / "plan").exists()) == ([], False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    with pytest.raises(BadInput, match="the price of openai:small is unknown"):
        harness(
            "openai:small", ["our_sums"], tmp_path / "out", task_files=files, limits=limits_of(["limits.max_cost=1"])
        )
    with pytest.raises(Stopped, match="cap"):
        harness("openai:small", ["our_sums"], tmp_path / "out", task_files=files, limits=Limits(max_total_tokens=100))
    capped = Limits(max_total_tokens=900)
    with pytest.raises(BadInput, match="our_rivers compares likelihoods: the harness's own client asks"):
        harness("openai:small", ["our_rivers"], tmp_path / "x", task_files=files, wrapper="none", limits=capped)


@installed
@pytest.mark.slow
def test_code_that_a_model_wrote_runs_where_it_is_allowed_bounded_and_without_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    def written(asked: Asked) -> Response:
        [name] = [name for name in PROGRAMS if f"def {name}" in asked.get_data(as_text=True)] or ["right"]
        return Response(json.dumps(chat(PROGRAMS[name])), content_type="application/json")

    httpserver.expect_request("/v1/chat/completions", method="POST").respond_with_handler(written)
    monkeypatch.setenv("OPENAI_BASE_URL", httpserver.url_for("/v1"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    rows = [
        {"prompt": f"def {name}():\n", "test": "def check(f):\n    assert f() == 2\n", "entry_point": name}
        for name in PROGRAMS
    ]
    data, folder = tmp_path / "rows.jsonl", tmp_path / "tasks"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder.mkdir()
    (folder / "our_code.yaml").write_text(CODE.format(data=data), encoding="utf-8")
    (folder / "utils.py").write_text(UTILS, encoding="utf-8")
    with pytest.raises(BadInput, match="our_code runs code that the model wrote"):
        harness("openai:m", ["our_code"], tmp_path / "out", task_files=folder)
    page: Any = harness("openai:m", ["our_code"], tmp_path / "out", task_files=folder, run_model_code=True)
    lines = [json.loads(line) for line in (tmp_path / "out" / "harness.jsonl").read_text("utf-8").splitlines()]
    marks = [(line["response"], line["marks"]["pass_at_k,create_test"][0]) for line in lines]
    right = {said.split("(")[0].removeprefix("def "): mark for said, mark in marks}
    assert right == {"right": 1.0, "wrong": 0.0, "hog": 0.0, "thief": 1.0}
    assert page["tasks"]["our_code"]["metrics"]["pass_at_k,create_test"]["value"] == 0.5


def test_a_knob_that_the_harness_does_not_know_is_refused_and_no_knob_is_dropped() -> None:
    assert limits_of(["limits.max_cost=2.50"]).max_cost == "2.5"
    for word in ("suite.first=3", "seed=1"):
        with pytest.raises(BadInput, match="suite harness takes no"):
            limits_of([word])


@installed
def test_what_is_not_there_or_not_allowed_is_one_line(files: Path, tmp_path: Path) -> None:
    for tasks, model, said in (
        (["mmlu"], "openai:gpt", "mmlu compares likelihoods: a chat endpoint tells none"),
        (["humaneval"], "hf:nothing", "runs code that the model wrote"),
        (["our_sums"], "embedded", "asks no 'embedded'"),
        ([], "hf:nothing", "no task, or one twice"),
    ):
        with pytest.raises(BadInput, match=said):
            harness(model, tasks, tmp_path / "out", task_files=files)


@installed
@pytest.mark.slow
def test_a_task_that_runs_code_or_does_not_exist_is_refused_before_any_weights_are_loaded(
    files: Path, tmp_path: Path
) -> None:
    unsafe = WRITTEN.format(data=tmp_path / "rows.jsonl", unsafe="true")
    (files / "our_sums.yaml").write_text(unsafe, encoding="utf-8")
    with pytest.raises(BadInput, match="our_sums runs code that the model wrote"):
        harness("hf:not-there", ["our_sums"], tmp_path / "out", task_files=files)
    with pytest.raises(BadInput, match="the harness has no task our_sumz"):
        harness("hf:not-there", ["our_sumz"], tmp_path / "out", task_files=files)


def test_a_task_file_that_lacks_a_key_or_is_no_yaml_is_named_before_anything_is_started(
    files: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("selfinstruct.run.lm_eval_harness.importlib.util.find_spec", lambda _: True)
    check_task_files(files, ["our_sums", "our_rivers"])
    text = (files / "our_sums.yaml").read_text(encoding="utf-8")
    (files / "our_sums.yaml").write_text(text.replace("doc_to_text", "doc_to_test"), encoding="utf-8")
    check_task_files(files, ["our_rivers"])
    with pytest.raises(BadInput, match=r"our_sums.yaml: task our_sums: doc_to_text missing"):
        harness("hf:m", ["our_sums"], tmp_path / "out", task_files=files)
    (files / "other.yaml").write_text("task: !function utils.this\na: [\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"other.yaml:\d: not YAML"):
        check_task_files(files, ["our_rivers"])
    with pytest.raises(BadInput, match="no such folder"):
        check_task_files(tmp_path / "nowhere", ["our_rivers"])


def test_a_harness_that_is_not_installed_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfinstruct.run.lm_eval_harness.importlib.util.find_spec", lambda _: None)
    with pytest.raises(BadInput, match="is not installed") as fault:
        harness("hf:m", ["mmlu"], tmp_path)
    assert "selfinstruct[eval,train]" in str(fault.value)


def _limits(limits: Any) -> None:
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU)
    limits.put(([resource.getrlimit(kind)[0] for kind in kinds], "MY_API_KEY" in os.environ))


def _bounded(limits: Any) -> None:
    os.environ["MY_API_KEY"] = "sk"
    lm_eval_process._bound_programs()
    inner = multiprocessing.get_context("fork").Process(target=_limits, args=(limits,))
    inner.start()
    inner.join(20)


def test_programs_of_a_model_are_bounded_in_memory_and_files_and_see_no_key() -> None:
    context = multiprocessing.get_context("spawn")
    limits = context.Queue()
    outer = context.Process(target=_bounded, args=(limits,))
    outer.start()
    (memory, size, files, seconds), key = limits.get(timeout=60)
    outer.join(20)
    assert 0 < memory < 1 << 36
    assert (size, files, seconds, key) == (1 << 24, 64, 30, False)


def test_every_task_of_the_paper_has_a_name_and_says_where_it_is_not_the_papers() -> None:
    assert list(HARNESS) == ["mmlu", "gsm8k", "bbh", "tydiqa", "humaneval", "toxigen", "truthfulqa"]
    assert [name for name, benchmark in HARNESS.items() if not benchmark.differs] == ["mmlu", "bbh"]
    assert "not the paper's" in HARNESS["gsm8k"].conditions
    assert len(HARNESS["tydiqa"].tasks) == 9
    assert [task.name for task in harness_tasks(["bbh", "arc_easy"])] == ["bbh", "arc_easy"]


def test_filters_of_one_answer_are_marks_of_one_line_and_what_is_no_share_has_none() -> None:
    sample = {
        "doc_id": 0,
        "doc_hash": "d",
        "prompt_hash": "p",
        "arguments": {"gen_args_0": {"arg_0": "Q: 1 + 1"}},
        "filtered_resps": ["2"],
        "metrics": ["exact_match", "bleu"],
        "exact_match": 1.0,
        "bleu": 43.0,
    }
    samples = {"gsm8k_cot": [sample | {"filter": "strict-match"}, sample | {"filter": "flexible-extract"}]}
    [line] = harness_lines(HarnessTask(name="gsm8k", tasks=("gsm8k_cot",)), samples, {"model": "m", "wrapper": "none"})
    assert line["marks"] == {"exact_match,strict-match": [1.0, 1], "exact_match,flexible-extract": [1.0, 1]}
    assert (line["prompt"], line["response"]) == ("Q: 1 + 1", "2")
    numbers: Any = harness_numbers([line], 0)
    assert numbers["exact_match,flexible-extract"]["value"] == 1.0


def test_models_asked_in_templates_of_their_own_were_asked_the_same_question() -> None:
    sample = {"doc_id": 0, "doc_hash": "d", "filtered_resps": ["2"], "metrics": ["acc"], "acc": 1.0}
    ids = set()
    for template, question in (("none", "d"), ("chat", "d"), ("chat", "another")):
        samples = {"mmlu": [sample | {"prompt_hash": template, "doc_hash": question}]}
        [line] = harness_lines(HarnessTask(name="mmlu", tasks=("mmlu",)), samples, {"model": template})
        ids.add(line["id"])
    assert len(ids) == 2
