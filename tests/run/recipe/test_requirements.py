import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.requirements import check_needs
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.yaml_file import parse_yaml

TRL = "{decontaminate: {against: [ifs-v1]}}, {finetune: {base: base, stop: none, engine: trl"
MODELS = "{ base: 'hf:nobody/nothing', m: 'scripted:none.yaml' }"


def recipe(stages: str, models: str = MODELS) -> Resolved:
    text = f"{{ name: a, inputs: [none.jsonl], publish: null, models: {models}, stages: {stages} }}"
    return resolve(parse_yaml(text.encode(), "a recipe"))


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A machine on which these packages are not installed."""
    find = importlib.util.find_spec

    def hide(*names: str) -> None:
        def find_or_hide(name: str, *more: Any) -> Any:
            return None if name in names else find(name, *more)

        monkeypatch.setattr(importlib.util, "find_spec", find_or_hide)

    return hide


@pytest.mark.parametrize(
    ("stages", "package", "says"),
    [
        ("[{decontaminate: {against: [ifs-v1]}}, {finetune: {base: base}}]", "torch", r"finetune: torch.*\[train\]"),
        (f"[{TRL}}}}}]", "trl", r"finetune: trl.*\[trl\]"),
        (f"[{TRL}, report_to: [trackio]}}}}]", "trackio", r"finetune: trackio.*\[trackio\]"),
        (f"[{TRL}, report_to: [wandb]}}}}]", "wandb", r"finetune: wandb.*\[wandb\]"),
        (f"[{TRL}, quantize: 4bit}}}}]", "bitsandbytes", r"finetune: bitsandbytes.*\[qlora\]"),
        ("[{train_judge: {backend: encoder}}]", "transformers", r"train_judge: transformers.*\[train\]"),
        ("[{score: {model: base}}]", "torch", r"score: torch.*\[train\]"),
        ("[{difficulty: {scorer: base}}]", "torch", r"difficulty: torch.*\[train\]"),
        ("[{semantic: {embedder: x}}]", "model2vec", r"semantic: model2vec.*\[semantic\]"),
        ("[{diversity: {parser: spacy}}]", "spacy", r"diversity: spacy.*\[nlp\]"),
        ("[{select: {how: diverse, count: 2, cells: embedding, embedding: x}}]", "model2vec", r"select.*\[semantic\]"),
    ],
)
def test_what_a_stage_needs_is_missed_before_a_folder_is_taken(
    stages: str, package: str, says: str, tmp_path: Path, without: Callable[..., None]
) -> None:
    resolved = recipe(stages)
    without(package)
    with pytest.raises(BadInput, match=f"packages that stages need are not installed here .*{says}"):
        execute(resolved, Options(folder=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_all_that_is_missing_is_told_at_once(without: Callable[..., None]) -> None:
    without("torch", "transformers", "peft", "accelerate", "safetensors", "model2vec")
    with pytest.raises(BadInput, match=r"\(semantic: model2vec; score: torch, transformers.*\[semantic,train\]"):
        check_needs(recipe("[{semantic: {embedder: x}}, {score: {model: base}}]"))


def test_what_needs_nothing_misses_nothing(without: Callable[..., None]) -> None:
    without("torch", "transformers", "peft", "model2vec", "spacy", "xllamacpp")
    check_needs(recipe("[exact, near, diversity, rules, {score: {model: m}}, train_judge]"))


def test_a_judge_that_is_not_there_is_missed_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"stage score: judge: no judge in '.*none'; name a folder"):
        check_needs(recipe(f"[{{score: {{model: m, judge: '{tmp_path / 'none'}'}}}}]"))


def test_weights_that_are_not_here_are_missed_before_a_folder_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFINSTRUCT_EMBEDDED_GGUF", str(tmp_path / "none.gguf"))
    with pytest.raises(BadInput, match=r"SELFINSTRUCT_EMBEDDED_GGUF.*no such file"):
        execute(recipe("[{score: {model: m}}]", "{ m: embedded }"), Options(folder=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_a_base_in_4_bits_is_refused_where_there_is_no_gpu_before_a_folder_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, torch = importlib.util.find_spec, pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: name == "bitsandbytes" or find(name, *more))
    with pytest.raises(BadInput, match=r"stage finetune: it needs a GPU, and torch finds none here; leave quantize"):
        execute(recipe(f"[{TRL}, quantize: 4bit}}}}]"), Options(folder=tmp_path / "run"))
    assert not (tmp_path / "run").exists()
