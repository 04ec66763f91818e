"""The judge `ifs-v1`, as everybody gets it."""

import hashlib
from pathlib import Path

import pytest

from selfinstruct import ifs
from selfinstruct.judge.load import load_judge
from selfinstruct.pipeline.recipe import resolve
from selfinstruct.pipeline.run import Options, execute
from selfinstruct.pipeline.wiring import SHIPPED_JUDGE
from selfinstruct.pipeline.yaml_file import read_yaml

ROOT = Path(__file__).parents[2]
ANSWERS = (
    ("What is the capital of Norway?", "The capital of Norway is Oslo."),
    (
        "Suggest a name for a rowing club",
        "Here are three names for a rowing club: Early Oars, The Catch, Blade Runners.",
    ),
    ("Explain why the sky", "The sky looks blue because air scatters short wavelengths of light more than long ones."),
    ("Write an email to", "I'd be happy to help! Who should the email be addressed to, and what is it about?"),
)
CONTINUATIONS = (
    ("Explain why the sky", " is blue and the sunset is red. Use simple words."),
    ("Write an email to", " your landlord about the broken heating."),
    ("Name three rivers in Spain.", "\n\nName three mountains in France.\n\nName three lakes in Italy."),
    ("How do I", " get a stain out of a white shirt?"),
)


def test_answers_are_told_from_continuations() -> None:
    judge = load_judge(SHIPPED_JUDGE)
    assert judge.version == "ifs-v1"
    assert min(judge.probabilities(ANSWERS)) > 0.5 > max(judge.probabilities(CONTINUATIONS))


def test_one_line_scores_a_list_of_responses_and_corrects_for_the_judges_errors() -> None:
    found = ifs([*ANSWERS, *({"prompt": prompt, "response": text, "model": "a"} for prompt, text in CONTINUATIONS)])
    assert found.n == 8
    assert found.ifs is not None
    assert found.ifs.value == 0.5
    assert found.setting.judge == "ifs-v1"
    assert found.corrected is not None


def test_it_was_tried_on_completions_of_models_and_their_numbers_are_in_its_card() -> None:
    card = (SHIPPED_JUDGE / "README.md").read_text(encoding="utf-8")
    assert "## Completions of real models" in card
    assert "gemma-3-270m, none" in card


def test_the_seeds_readme_names_its_hash() -> None:
    found = hashlib.sha256((SHIPPED_JUDGE / "weights.safetensors").read_bytes()).hexdigest()
    assert found in (ROOT / "seeds" / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_its_recipe_makes_the_same_bytes_again(tmp_path: Path) -> None:
    execute(resolve(read_yaml(ROOT / "pipelines" / "judge.yaml")), Options(folder=tmp_path / "run"))
    for file in sorted(path.name for path in SHIPPED_JUDGE.iterdir() if path.is_file()):
        assert (tmp_path / "run" / "judge" / file).read_bytes() == (SHIPPED_JUDGE / file).read_bytes()
