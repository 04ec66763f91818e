"""The last words of a run that tuned a student: its score before and after, where it stopped, what comes next."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_NOTHING = "nothing in particular (no kind with prompts enough to tell is failed on more than the rest)"


def tuned_words(folder: Path) -> Iterator[str]:
    """Lines for people; none where the run has no such files."""
    curve, score, feedback = (folder / name for name in ("curve.jsonl", "score.json", "feedback.json"))
    if not curve.is_file():
        return
    checks = [json.loads(line) for line in curve.read_text(encoding="utf-8").splitlines()]
    if checks:
        first, last = checks[0], checks[-1]
        stopped = next((one["examples"] for one in checks if one["stop"]), None)
        end = "not stopped by its tone" if stopped is None else f"the rule stops it at {stopped}"
        yield f"student: IFS {_share(first)} before, {_share(last)} after {last['examples']} examples ({end})"
    if score.is_file():
        for one in json.loads(score.read_text(encoding="utf-8"))["scores"]:
            yield f"  on other prompts, {one['wrapper']}: {one['model']} {_share(one)} {_interval(one)}"
    if feedback.is_file():
        told = json.loads(feedback.read_text(encoding="utf-8"))["asks_for"]
        yield "a next cycle would show more of: " + ("; ".join(told) if told else _NOTHING)


def _share(told: Mapping[str, Any]) -> str:
    return "-" if told["ifs"] is None else f"{told['ifs']:.3f}"


def _interval(told: Mapping[str, Any]) -> str:
    found = (told.get("intervals") or {}).get("ifs")
    return f"[{found[0]:.3f}, {found[1]:.3f}]" if found else ""
