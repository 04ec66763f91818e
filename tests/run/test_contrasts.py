"""Arms side by side, and contrasts that were named: paired by seed, with Holm's correction."""

import json
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.run.recipe_arms import contrast_table


def arm(folder: Path, name: str, ifs: float, kept: float | None = None) -> None:
    place = folder / name
    place.mkdir(parents=True)
    (place / "score.json").write_text(json.dumps({"ifs": ifs, "ifs_clean": None}), encoding="utf-8")
    if kept is not None:
        knowledge = {"models": [{}, {"prose_loss": {"value": 3.0}}], "differences": [{"known_facts": {"value": kept}}]}
        (place / "knowledge.json").write_text(json.dumps(knowledge), encoding="utf-8")


def test_contrasts_are_paired_by_seed_and_corrected_for_one_another(tmp_path: Path) -> None:
    for seed, base in ((42, 0.2), (43, 0.5), (44, 0.8)):  # seeds differ much, pairs by a tenth
        arm(tmp_path, f"lora-{seed}", base, -0.01)
        arm(tmp_path, f"full-{seed}", base + 0.1 + seed / 10_000, -0.05)
        arm(tmp_path, f"simple-{seed}", base + (0.1 if seed == 43 else -0.1))
    arm(tmp_path, "once", 0.9)
    page = contrast_table(tmp_path, ["full:lora", "simple:lora"])
    audit = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    contrasts = {(contrast["of"], contrast["column"]): contrast for contrast in audit["contrasts"]}
    assert contrasts["full", "IFS"]["value"] == pytest.approx(0.1043, abs=1e-4)
    assert contrasts["full", "IFS"]["corrected"] == pytest.approx(2 * contrasts["full", "IFS"]["p"], abs=2e-6)
    assert contrasts["full", "IFS"]["p"] < 0.001
    assert contrasts["simple", "IFS"]["low"] < 0 < contrasts["simple", "IFS"]["high"]
    assert ("simple", "facts kept") not in contrasts  # that arm has no such file
    assert "| lora | 3 | 0.500 |" in page
    assert "| once | 1 | 0.900 |" in page
    assert (tmp_path / "audit.md").read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    ("named", "says"),
    [
        (["full:nobody"], "no arm 'nobody'"),
        (["full"], "'full' names no two arms"),
        (["full:lora"], "share 1 seeds, and 3 are needed"),
    ],
)
def test_what_cannot_be_contrasted_is_one_line(tmp_path: Path, named: list[str], says: str) -> None:
    arm(tmp_path, "full-42", 0.5)
    arm(tmp_path, "lora-42", 0.5)
    with pytest.raises(BadInput, match=says):
        contrast_table(tmp_path, named)
    with pytest.raises(BadInput, match="no arm with"):
        contrast_table(tmp_path / "nothing", [])
