import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.judge.fit_judge import train
from selfinstruct.judge.judge_folder import load_judge
from tests.judge.examples import World, folder, lines

HOME = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def fragments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("f"), World(120, "one"), World(120, "two", 5), World(60, "three", 9))


@pytest.fixture(scope="module")
def judge(fragments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home: Path = tmp_path_factory.mktemp("j") / "judge"
    train(fragments, home)
    return home


def _facts(judge: Path) -> Any:
    return json.loads((judge / "judge.json").read_text(encoding="utf-8"))


def test_a_linear_judge_tells_answers_from_continuations_of_records_it_never_saw(judge: Path) -> None:
    metrics = _facts(judge)["metrics"]["test"]
    assert metrics["accuracy"]["value"] > 0.95
    assert metrics["prevalence"] == 0.5
    assert set(metrics["by_kind"]) == {"answer", "answer_to_part", "finishes", "another"}
    assert metrics["first_character"]["accuracy"] < metrics["accuracy"]["value"]


def test_the_folder_gives_the_same_judge_again(judge: Path, fragments: Path, tmp_path: Path) -> None:
    report = train(fragments, tmp_path / "again")
    again, first = load_judge(tmp_path / "again"), load_judge(judge)
    pairs = [(str(line["prompt"]), str(line["continuation"])) for line in lines(World(20, "new"))]
    assert list(again.probabilities(pairs)) == list(first.probabilities(pairs))
    assert again.version == first.version == report.judge
    assert again.threshold == 0.5


def test_the_same_fragments_and_seed_give_the_same_bytes_in_another_process(
    judge: Path, fragments: Path, tmp_path: Path
) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom selfinstruct.judge.fit_judge import train\n"
        "train(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(fragments), str(tmp_path / "again")],
        cwd=HOME,
        env={**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": str(HOME), "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=120,
    )
    assert _hashes(tmp_path / "again") == _hashes(judge)


def _hashes(at: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(at.iterdir())}


def test_two_sets_or_more_calibrate_on_sets_unseen(judge: Path, tmp_path: Path) -> None:
    assert "trained without them: one, two" in _facts(judge)["calibration"]["on"]
    alone = train(folder(tmp_path / "f", World(60, "one")), tmp_path / "j")
    assert alone.facts["calibration"] == {**_facts(tmp_path / "j")["calibration"]}
    assert "validation fragments" in str(alone.facts["calibration"])


def test_a_held_out_set_is_measured_and_never_learned_from(fragments: Path, tmp_path: Path) -> None:
    report = train(fragments, tmp_path / "with", held_out="three")
    facts: Any = report.facts
    assert facts["metrics"]["held_out"]["n"] == 240
    assert facts["data"]["sets"] == ["one", "two"]
    less = folder(tmp_path / "less", World(120, "one"), World(120, "two", 5))
    train(less, tmp_path / "without")
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("with", "without")]
    assert weights[0] == weights[1]


def test_the_response_only_judge_does_not_care_about_the_prompt(fragments: Path, tmp_path: Path) -> None:
    train(fragments, tmp_path / "j", pair_aware=False)
    first, other = load_judge(tmp_path / "j").probabilities([("Name a", " river."), ("Name a river.", " river.")])
    assert first == other


def test_a_name_becomes_the_version(fragments: Path, tmp_path: Path) -> None:
    assert train(fragments, tmp_path / "j", name="mine-v3").judge == "mine-v3"
    assert load_judge(tmp_path / "j").version == "mine-v3"


def test_the_card_tells_every_number_and_names_the_data(judge: Path) -> None:
    readme, facts = (judge / "README.md").read_text(encoding="utf-8"), _facts(judge)
    assert facts["data"]["sha256"] in readme
    assert f"{facts['metrics']['test']['accuracy']['value']:.3f}" in readme
    assert "first-character rule" in readme


def test_what_cannot_be_trained_is_refused(fragments: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no set 'nine'"):
        train(fragments, tmp_path / "j", held_out="nine")
    with pytest.raises(BadInput, match="unknown"):
        train(fragments, tmp_path / "j", backend="forest")  # type: ignore[arg-type]  # what a recipe may say
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy" / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(BadInput, match="something else here"):
        train(fragments, tmp_path / "busy")
    assert (tmp_path / "busy" / "letter.txt").read_text(encoding="utf-8") == "dear"
    with pytest.raises(BadInput, match="too little is left"):
        train(folder(tmp_path / "f", World(20, "one")), tmp_path / "j", held_out="one")
