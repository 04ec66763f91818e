"""Judges of tone from fragments alone, on the fragments of a set they never saw.

`--data` holds `alpaca_style/alpaca_en_demo.json`, to be measured on, and `gpteacher`, to be learned from too. The peer
of the pair-aware judge is the paper's, which sees the response alone; both in this run, on the same fragments.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selfinstruct.judge.fit_judge import train
from selfinstruct.records import Json
from selfinstruct.run.execute import Options, execute
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.verb_recipes import recipe

HELD_OUT = "alpaca_style/alpaca_en_demo.json"
TAUGHT = "gpteacher/toolformer-similarity-0.6-dataset.json"
KNOBS: dict[str, Json] = {"per_record": 12, "seam_varied": 0.4}  # of pipelines/judge.yaml


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True)
    data = options.parse_args().data
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
            metrics: Any = report.as_json()["metrics"]
            said(
                f"{title}, {'prompt and response' if pair_aware else 'response alone'}, unseen set", metrics["held_out"]
            )


def said(title: str, parts: Mapping[str, Any]) -> None:
    numbers = [f"{name} {show(parts[name])}" for name in ("accuracy", "precision", "recall", "auroc") if name in parts]
    kappa = f"  kappa {parts['kappa']:.3f}" if parts.get("kappa") is not None else ""
    print(f"{title}: n {parts['n']}  " + "  ".join(numbers) + kappa)


def show(numbers: Mapping[str, float]) -> str:
    return f"{numbers['value']:.3f} [{numbers['low']:.3f}, {numbers['high']:.3f}]"


if __name__ == "__main__":
    main()
