"""The shipped judges, as everybody gets them."""

import hashlib
from pathlib import Path

import pytest

from selfinstruct import ifs
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.yaml_file import read_yaml
from selfinstruct.run.tone_judges import CANONICAL, LINEAR, SHIPPED, judge_folder, open_judge

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


@pytest.mark.parametrize("name", SHIPPED)
def test_answers_are_told_from_continuations(name: str) -> None:
    judge = open_judge(name)
    assert judge.version == name
    assert min(judge.probabilities(ANSWERS)) > 0.5 > max(judge.probabilities(CONTINUATIONS))


@pytest.mark.parametrize("name", [LINEAR, CANONICAL])
def test_short_answers_marks_of_quotation_code_and_lists_are_answers_too(name: str) -> None:
    pairs = [
        ("Why does bread rise?", "Yeast gives off gas, which the dough holds."),
        ("Other words to end a letter with:", "Yours truly, Kind regards, Best wishes"),
        ("Write a slogan for a ferry company.", '"The sea is your road."'),
        ("Write a loop in Python that prints 0 to 4.", "\n\nfor number in range(5):\n    print(number)"),
    ]
    right = sum(probability > 0.5 for probability in open_judge(name).probabilities(pairs))
    assert right == 4 if name == CANONICAL else right >= 3


def test_one_line_scores_a_list_of_responses_and_names_its_judge() -> None:
    estimate = ifs(
        [*ANSWERS, *({"prompt": prompt, "response": text, "model": "a"} for prompt, text in CONTINUATIONS)],
        judge="ifs-v1",
    )
    assert estimate.n == 8
    assert estimate.ifs is not None
    assert estimate.ifs.value == 0.5
    assert estimate.setting.judge == "ifs-v1"
    assert estimate.corrected is not None
    assert ifs(ANSWERS).setting.judge == LINEAR  # what these tests name as the default


def test_the_second_family_says_how_far_off_it_is_on_kinds_of_model_it_never_saw() -> None:
    estimate = ifs([*ANSWERS, *CONTINUATIONS], judge=LINEAR)
    assert estimate.corrected is None
    assert estimate.with_judge_error is not None
    assert estimate.with_judge_error.biases["whole"].kinds >= 10
    assert estimate.with_judge_error.biases["cut"].kinds >= 10


@pytest.mark.parametrize("name", SHIPPED)
def test_completions_of_models_it_was_tried_on_are_in_its_card(name: str) -> None:
    card = (judge_folder(name) / "README.md").read_text(encoding="utf-8")
    assert "## Completions of real models" in card
    assert ("gemma-3-270m, none" if name == "ifs-v1" else "lineage gemma") in card


@pytest.mark.parametrize("name", SHIPPED)
def test_the_seeds_readme_names_its_hash(name: str) -> None:
    text = (ROOT / "seeds" / "README.md").read_text(encoding="utf-8")
    for file in judge_folder(name).glob("*.safetensors"):
        assert hashlib.sha256(file.read_bytes()).hexdigest() in text


@pytest.mark.slow
def test_the_recipe_of_the_first_makes_the_same_bytes_again(tmp_path: Path) -> None:
    execute(resolve(read_yaml(ROOT / "pipelines" / "judge.yaml")), Options(folder=tmp_path / "run"))
    for file in sorted(path.name for path in judge_folder("ifs-v1").iterdir() if path.is_file()):
        assert (tmp_path / "run" / "judge" / file).read_bytes() == (judge_folder("ifs-v1") / file).read_bytes()
