"""The judge of tone: on a set it never saw, on completions that were read, and how many judgements a core makes.

`--data` holds `alpaca_style/alpaca_en_demo.json`, to be measured on, and `gpteacher`, to be learned from too. The peer
of the pair-aware judge is the paper's, which sees the response alone; both in this run, on the same fragments.
"""

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selfinstruct.judge.load import load_judge
from selfinstruct.judge.train import train
from selfinstruct.judge.validation import labelled_of, validated
from selfinstruct.pipeline.compose_sets import recipe
from selfinstruct.pipeline.recipe import resolve
from selfinstruct.pipeline.run import Options, execute
from selfinstruct.pipeline.wiring import SHIPPED_JUDGE
from selfinstruct.records import Json
from selfinstruct.stage import Tone

SEEDS = Path(__file__).parents[1] / "seeds"
HELD_OUT = "alpaca_style/alpaca_en_demo.json"
TAUGHT = "gpteacher/toolformer-similarity-0.6-dataset.json"
KNOBS: dict[str, Json] = {"per_record": 12, "seam_varied": 0.4}  # of pipelines/judge.yaml
PAIRS = 20_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path)
    data = options.parse_args().data
    shipped = load_judge(SHIPPED_JUDGE)
    rows = [json.loads(line) for line in (SEEDS / "tone_completions.jsonl").read_text(encoding="utf-8").splitlines()]
    found: Any = validated(shipped, labelled_of(rows, "completions"), seed=1)
    said("shipped, completions read", found["groups"]["all"])
    speed(shipped, [(row["prompt"], row["response"]) for row in rows])
    if data is not None:
        for title, more in (("own text", []), ("own text and gpteacher", [str(data / TAUGHT)])):
            held_out(title, [str(data / HELD_OUT), *more])


def held_out(title: str, more: list[str]) -> None:
    with TemporaryDirectory() as scratch:
        inputs: list[Json] = ["builtin", "builtin:tone_records", *more]
        stages: list[Json] = [{"fragment": {**KNOBS}}]
        made = execute(
            resolve(recipe("tone", inputs, stages, {}, {"publish": None})), Options(folder=Path(scratch) / "run")
        )
        for pair_aware in (True, False):
            report = train(
                made.folder / "fragments",
                Path(scratch) / f"judge-{pair_aware}",
                held_out=Path(HELD_OUT).name,
                pair_aware=pair_aware,
            )
            told: Any = report.as_json()["metrics"]
            said(f"{title}, {'prompt and response' if pair_aware else 'response alone'}, unseen set", told["held_out"])


def said(title: str, found: Mapping[str, Any]) -> None:
    numbers = [f"{name} {show(found[name])}" for name in ("accuracy", "precision", "recall", "auroc") if name in found]
    kappa = f"  kappa {found['kappa']:.3f}" if found.get("kappa") is not None else ""
    print(f"{title}: n {found['n']}  " + "  ".join(numbers) + kappa)


def show(found: Mapping[str, float]) -> str:
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"


def speed(judge: Tone, pairs: list[tuple[str, str]]) -> None:
    many = (pairs * (PAIRS // len(pairs) + 1))[:PAIRS]
    judge.probabilities(many[:512])
    began = time.process_time()
    judge.probabilities(many)
    print(f"judgements a second of processor time: {PAIRS / (time.process_time() - began):,.0f}")


if __name__ == "__main__":
    main()
