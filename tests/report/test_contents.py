"""A page is compared by what it says, not by its bytes."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfinstruct import report
from selfinstruct.report.page import _environment
from tests.report.contents import contents
from tests.report.test_page import drawn

SAID = Path(__file__).with_name("quickstart_contents.json")
"""Of the page of a made-up run: to be made again where a decided change alters what the page says."""


def test_the_page_of_a_run_says_what_it_said() -> None:
    expected = json.loads(SAID.read_text(encoding="utf-8"))
    said = contents(drawn())
    assert list(said.anchors) == expected["anchors"]
    assert [list(text) for text in said.texts] == expected["texts"]
    assert [[label, sorted(words)] for label, words in said.drawings] == expected["drawings"]


def test_contents_hold_what_is_said_and_not_how_it_is_written() -> None:
    drawing = '<svg aria-label="four"><text>five</text><text>6</text></svg>'
    html = f'<section id="a"><h2>One</h2>\n<p>two <b>three</b></p>{drawing}'
    written_otherwise = html.replace("\n", "  ").replace("<b>", "<i>\n").replace("</b>", "</i>").replace("6", "7")
    assert contents(html) == contents(written_otherwise)
    for said in ("One", "two", "three", "four", "five", '"a"'):
        assert contents(html) != contents(html.replace(said, "other"))


ROOM = Path(str(report.__file__)).parent
MODULES = sorted(ROOM.glob("*.py"))
TEMPLATES = sorted((ROOM / "templates").glob("*.jinja"))


def literals(module: Path) -> Iterator[str]:
    """Every text in a module's code; what describes the code is not among them."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
            yield node.value


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_no_module_writes_html_or_says_that_a_text_needs_no_escaping(module: Path) -> None:
    written = [text for text in literals(module) if re.search(r"</?[a-z]|/>|&[a-z]+;", text)]
    assert written == []
    assert not re.search("Markup|markupsafe|html.escape", module.read_text(encoding="utf-8"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_template_escapes_all_it_prints_and_is_sound(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe|autoescape|<script|\son[a-z]+=|url\(|https?:", text)
    assert _environment().get_template(template.name)
