"""A student in a fresh process that has peft and transformers, no connection, and nothing of ours."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.finetune.finetune import Finetune
from selfinstruct.models.model_files import ON_HUB, adapter_base
from selfinstruct.models.transformers_weights import TransformersWeights, load_weights
from selfinstruct.stage import Bench, Built, Weights
from tests.finetune.builders import Folder, model, tasks, tokenizer

torch = pytest.importorskip("torch")
pytest.importorskip("peft")

ALONE = """
import sys
sys.modules["selfinstruct"] = None  # not installed there
for code in {codes!r}:
    made = {{}}
    exec(code, made)
    asked = made["tokenizer"]("A river.", return_tensors="pt", return_token_type_ids=False)
    print(float(made["model"](**asked).logits.double().abs().sum()))
"""
QUICK = {"stop": "none", "batch": 2, "accumulate": 1, "learning_rate": 0.05, "rank": 2, "max_tokens": 200}


def finetuned(folder: Path, weights: Weights, **knobs: object) -> Path:
    stage = Finetune(**{**QUICK, **knobs})  # type: ignore[arg-type] # a table
    bench = Bench(weights={"base": weights}, scratch=folder)
    return next(
        outcome.path for outcome in stage(tasks(4), bench) if isinstance(outcome, Built) and outcome.name == "student"
    )


def hub_cache(home: Path, name: str, content: Path) -> Path:
    """As the Hub's client leaves a model there."""
    place = home / "hub" / f"models--{name.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("0" * 40)
    shutil.copytree(content, place / "snapshots" / ("0" * 40))
    return home


def elsewhere(codes: list[str], home: Path) -> list[float]:
    """The sum of what each model says, by code in one process of its own: torch and transformers take seconds."""
    ended = subprocess.run(
        [sys.executable, "-c", ALONE.format(codes=codes)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        cwd=home.parent,
        env={**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
    )
    assert ended.returncode == 0, ended.stderr
    return [float(line) for line in ended.stdout.splitlines()[-len(codes) :]]


def here(student: Path) -> float:
    loaded = load_weights(str(student))
    asked = loaded.tokenizer("A river.", return_tensors="pt", return_token_type_ids=False)
    with torch.no_grad():
        return float(loaded.model(**asked).logits.double().abs().sum())


def code_of(student: Path) -> str:
    """What the card says how it is used."""
    page = (student / "README.md").read_text()
    return page.partition("```python\n")[2].partition("```")[0].replace("THIS_FOLDER", str(student))


AUTO = """
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer
model = AutoPeftModelForCausalLM.from_pretrained({place!r})
tokenizer = AutoTokenizer.from_pretrained({place!r})
"""


def test_students_load_with_plain_peft_and_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a base that we bring, which the Hub has by another name; on one in a folder; merged, without its base."""
    base = Folder.made(tmp_path / "base").place
    monkeypatch.setattr("selfinstruct.models.model_files.embedded_weights", lambda: base)
    ours = finetuned(tmp_path / "ours", TransformersWeights("embedded"))
    in_folder = finetuned(tmp_path / "folder", TransformersWeights(f"hf:{base}"))
    shutil.copytree(base, tmp_path / "gone")
    gone = TransformersWeights(f"hf:{tmp_path / 'gone'}")
    merged = finetuned(tmp_path / "merged", gone, merge=True, dtype="float32")
    apart = here(finetuned(tmp_path / "apart", gone, dtype="float32"))
    shutil.rmtree(tmp_path / "gone")
    home = hub_cache(tmp_path / "home", ON_HUB["embedded"], base)
    codes = {
        AUTO.format(place=str(ours)): here(ours),
        code_of(ours): here(ours),
        AUTO.format(place=str(in_folder)): here(in_folder),
        code_of(in_folder).replace('"BASE"', repr(str(base))): here(in_folder),
        "import sys; sys.modules['peft'] = None\n" + code_of(merged): apart,
    }
    assert elsewhere([*codes], home) == pytest.approx([*codes.values()], rel=1e-5)


@pytest.mark.parametrize("written", ["embedded", "hf:embedded", "gemma", "hf:gemma"])
def test_a_student_of_a_base_that_we_bring_names_it_as_the_hub_does(
    tmp_path: Path, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = written.removeprefix("hf:")
    base = Folder.made(tmp_path / "base").place
    monkeypatch.setattr("selfinstruct.models.model_files.embedded_weights", lambda: base)
    monkeypatch.setattr("selfinstruct.models.model_files.gemma_weights", lambda: base)
    student = finetuned(tmp_path / "run", TransformersWeights(written))
    assert json.loads((student / "adapter_config.json").read_text())["base_model_name_or_path"] == ON_HUB[spec]
    assert f"base_model: {ON_HUB[spec]}\n" in (student / "README.md").read_text()
    assert adapter_base(student) == spec  # here on the weights that we bring, which no name on the Hub leads to
    (student / "training.json").unlink()
    assert adapter_base(student) == ON_HUB[spec]  # somebody else's, of the released weights


def test_a_merged_student_says_so_and_has_no_adapter(tmp_path: Path) -> None:
    weights = TransformersWeights(f"hf:{Folder.made(tmp_path / 'base').place}")
    student = finetuned(tmp_path / "run", weights, merge=True)
    assert not [*student.glob("adapter*")]
    assert json.loads((student / "training.json").read_text())["recipe"]["merged"]
    page = (student / "README.md").read_text()
    assert "library_name: transformers" in page
    assert "A LoRA adapter, merged into" in page


def test_what_an_adapter_adds_survives_the_merging_into_a_base_of_two_bytes(tmp_path: Path) -> None:
    Folder.made(tmp_path / "base")
    weights = TransformersWeights(f"hf:{tmp_path / 'base'}")
    apart = here(finetuned(tmp_path / "apart", weights, dtype="bfloat16"))
    student = finetuned(tmp_path / "run", weights, merge=True, dtype="bfloat16")
    assert load_weights(str(student), dtype="auto").model.dtype is torch.float32
    assert here(student) == pytest.approx(apart, rel=1e-2)


def test_a_head_that_shares_its_weights_is_not_merged(tmp_path: Path) -> None:
    model(tie_word_embeddings=True, max_position_embeddings=128).save_pretrained(tmp_path / "base")
    tokenizer().save_pretrained(tmp_path / "base")
    weights = TransformersWeights(f"hf:{tmp_path / 'base'}")
    with pytest.raises(BadInput, match="shares its weights with the embeddings: merged, both would change"):
        finetuned(tmp_path / "run", weights, merge=True, targets=("lm_head",))


def test_an_adapter_on_a_gguf_file_is_said_to_load_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = Folder.made(tmp_path / "base")
    load, said = Folder.load, list[str]()
    monkeypatch.setattr(Folder, "load", lambda self, **how: replace(load(self, **how), source="gguf:/a.gguf"))
    for merge in (True, False):
        bench = Bench(weights={"base": base}, scratch=tmp_path / str(merge), notice=said.append)
        for _ in Finetune(**QUICK, merge=merge)(tasks(4), bench):  # type: ignore[arg-type] # a table
            pass
        assert any("--merge" in line for line in said) != merge
