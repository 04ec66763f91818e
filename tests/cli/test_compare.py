"""`compare`, as a person types it, on folders that `score` made."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.cli.typed import command

ANSWERS = {
    "base": "answers:\n  - {purpose: score, texts: ['and so on and on']}\n  - {purpose: suite, texts: ['x, y']}\n",
    "tuned": "answers:\n  - {purpose: score, texts: ['The Tay is long.']}\n  - {purpose: suite, texts: ['\"xy\"']}\n",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of each of two models a folder of scores of tone and one of a suite."""
    folder = tmp_path_factory.mktemp("made")
    for name, said in ANSWERS.items():
        (folder / f"{name}.yaml").write_text(said, encoding="utf-8")
        model = f"scripted:{folder / f'{name}.yaml'}"
        for words in (("--first", 8, "-o", folder / f"{name}-tone"), ("--suite", "ifeval", "-o", folder / name)):
            ended = command("score", model, *words)
            assert ended.returncode == 0, ended.stderr
    return folder


def test_the_table_says_what_the_folders_say(made: Path, tmp_path: Path) -> None:
    folders = [f"{label}={made / name}" for label in ANSWERS for name in (label, f"{label}-tone")]
    ended = command("compare", *folders, "--against", "base", "--json", "-o", tmp_path / "table")
    assert ended.returncode == 0, ended.stderr
    printed: dict[str, Any] = json.loads(ended.stdout)
    assert [row["row"] for row in printed["rows"]] == list(ANSWERS)
    measures = [column["measure"] for column in printed["columns"]]
    assert measures[:4] == ["ifs", "ifs_partial", "ifs_full", "ifs_clean"]
    assert {"lm-eval": "prompt_level_strict_acc"} in [column["elsewhere"] for column in printed["columns"]]
    for line in printed["rows"]:
        tone = json.loads((made / f"{line['row']}-tone" / "score.json").read_text(encoding="utf-8"))["scores"][0]
        suite = json.loads((made / line["row"] / "suite.json").read_text(encoding="utf-8"))["models"][0]["ifeval"]
        for measure, cell in zip(measures, line["cells"], strict=True):
            if measure in tone:
                ends = tone["intervals"][measure]
                assert (cell["value"], cell["low"], cell["high"]) == (tone[measure], *ends)
            else:
                wanted = suite["measures"][measure.removeprefix("ifeval ")]
                assert {name: cell[name] for name in wanted} == wanted
    strict = printed["rows"][1]["cells"][measures.index("ifeval prompt_strict")]
    assert strict["difference"]["value"] == pytest.approx(
        strict["value"] - printed["rows"][0]["cells"][measures.index("ifeval prompt_strict")]["value"]
    )
    assert {path.suffix for path in (tmp_path / "table").iterdir()} == {".json", ".txt", ".md", ".tex", ".html"}


def test_the_page_is_whole_and_loads_nothing(made: Path, tmp_path: Path) -> None:
    ended = command("compare", made / "base", made / "tuned", "-o", tmp_path / "table")
    assert ended.returncode == 0, ended.stderr
    page = (tmp_path / "table" / "compare.html").read_text(encoding="utf-8")
    opened: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            assert not [value for name, value in attrs if name in ("src", "href") and not str(value).startswith("#")]
            if tag not in ("meta", "br"):
                opened.append(tag)

        def handle_startendtag(self, tag: str, attrs: Any) -> None:
            del tag, attrs

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

    Tags().feed(page)
    assert opened == []
    assert page.count('<svg class="chart"') == 4
    again = command("compare", made / "base", made / "tuned", "-o", tmp_path / "again")
    assert again.returncode == 0
    assert (tmp_path / "again" / "compare.html").read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere",), "no such folder"),
        (("EMPTY",), "holds no answers"),
        (("MADE", "--against", "nobody"), "no row 'nobody'"),
        (("MADE", "--json", "--latex"), "one of"),
    ],
)
def test_what_cannot_be_meant_is_one_line(words: tuple[str, ...], said: str, made: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    places = {"MADE": str(made / "base"), "EMPTY": str(tmp_path / "empty")}
    ended = command("compare", *(places.get(word, word) for word in words))
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert said in ended.stderr


def test_a_damaged_line_is_named(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "suite.json").write_bytes((made / "base" / "suite.json").read_bytes())
    (folder / "suite.jsonl").write_text('{"suite": "ifeval"\n', encoding="utf-8")
    ended = command("compare", folder)
    assert (ended.returncode, "suite.jsonl:1" in ended.stderr, "Traceback" in ended.stderr) == (2, True, False)
