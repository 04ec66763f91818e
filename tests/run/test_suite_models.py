"""Suites and judged answers, asked of every kind of model that needs no download."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.verb_recipes import ask_suites
from tests.models import tiny_models
from tests.models.loopback import chat

SCRIPT = """
answers:
  - purpose: suite
    texts: ["It rains.", "A mail, as you asked."]
"""


@pytest.fixture
def other(tmp_path: Path) -> str:
    (tmp_path / "script.yaml").write_text(SCRIPT, encoding="utf-8")
    return f"scripted:{tmp_path / 'script.yaml'}"


def run(model: str, beside: str, folder: Path, **judging: str) -> dict[str, Any]:
    knobs: dict[str, Any] = {"first": 3, "max_tokens": 12}
    recipe = ask_suites("ifeval,superni,pairwise", model, [beside], knobs, judging)
    execute(resolve(recipe, ["judge_answers.length_test=2"]), Options(folder=folder))
    page: dict[str, Any] = json.loads((folder / "suite.json").read_text(encoding="utf-8"))
    assert [list(model)[2:] for model in page["models"]] == [["ifeval", "superni", "user_oriented"]] * 2
    judged: dict[str, Any] = json.loads((folder / "judged.json").read_text(encoding="utf-8"))
    return page | {"judged": judged}


def test_a_model_here_is_asked_and_tells_how_likely_answers_are(other: str, tmp_path: Path) -> None:
    tiny = f"hf:{tiny_models.saved(tmp_path / 'tiny')}"
    page = run(tiny, other, tmp_path / "run", likelihood=tiny)
    assert page["models"][0]["model"].startswith("hf:tiny@")
    [likely] = [judge for judge in page["judged"]["judges"] if judge["judge"].startswith("likelihood (hf:")]
    assert (likely["believed"], likely["check"]["pairs"]) == (False, 100)
    assert likely["length_test"]["padded"]["judged"] > 0


def test_an_endpoint_is_asked_and_judges_where_it_passes(
    other: str, tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/v1/chat/completions", method="POST").respond_with_handler(said(known()))
    monkeypatch.setenv("OPENAI_BASE_URL", httpserver.url_for("/v1"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    page = run("openai:small", other, tmp_path / "run", judge="openai:small")
    assert page["models"][0]["ifeval"]["answered"] == 3
    assert page["judged"]["check"]["pairwise"]["passed"] is True
    assert page["judged"]["by"] == "openai:small"
    numbers = page["judged"]["models"][0]["pairwise"]["openai:small"]
    assert (numbers["n_total"], numbers["consistent"]) == (3, 1.0)


def known() -> frozenset[str]:
    file = Path(__file__).parents[2] / "seeds" / "judge_check.jsonl"
    return frozenset(json.loads(line)["better"] for line in file.read_text(encoding="utf-8").splitlines())


def said(better: frozenset[str]) -> Callable[[Request], Response]:
    """A judge that knows the better answers by heart, and ties on all others."""

    def answer(request: Request) -> Response:
        text = request.get_json()["messages"][-1]["content"]
        first, _, rest = text.partition("Answer A:\n")[2].partition("\n\nAnswer B:\n")
        second = rest.partition("\n\nSay in one or two")[0]
        verdict = "A" if first in better else "B" if second in better else "C"
        made = chat(f"So it is.\n[[{verdict}]]" if "Answer A:" in text else "It rains, as was asked.")
        return Response(json.dumps(made), content_type="application/json")

    return answer
