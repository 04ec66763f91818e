"""The judges of tone on completions that were read, and how many judgements a core makes.

    python benchmarks/tone.py [--reads READS] [--judge NAME ...]

Without `--reads`, what is shipped with its text; `tone_texts.py` makes the whole file, and says what that needs. Of a
judge of the family `ifs-v2` the figures on lineages it learned from are those of its card: all it learned from, taken
without that lineage. Measured here are lineages that teach it nothing, the older judge, and speed.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selfinstruct.judge.judge_folder import read_facts
from selfinstruct.judge.validate_on_reads import Labelled, labelled_of, validated
from selfinstruct.run.tone_judges import SHIPPED, judge_folder, open_judge
from selfinstruct.stage import Tone

SEEDS = Path(__file__).parents[1] / "seeds"
LOCKED = ("qwen", "scratch-english", "scratch-german")
SPEED = {"ifs-v1": 20_000, "ifs-v2-linear": 20_000, "ifs-v2": 400}  # pairs to be timed on


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--reads", type=Path, default=SEEDS / "tone_reads.jsonl")
    options.add_argument("--judge", action="append", default=[], metavar="NAME")
    given = options.parse_args()
    lines = filter(None, given.reads.read_text(encoding="utf-8").split("\n"))  # a text may hold other line ends
    rows = labelled_of([json.loads(line) for line in lines], given.reads.name)
    for name in given.judge or SHIPPED:
        judge = open_judge(name)
        print(f"\n{name}\n")
        if name == "ifs-v1":
            table("all rows", validated(judge, rows, seed=1)["groups"])
        else:
            table("each lineage left out of what it learned from", card_of(name))
            kept = [row for row in rows if row.family in LOCKED]
            if kept:
                table("lineages that teach it nothing", validated(judge, kept, seed=1)["groups"])
        speed(judge, rows, SPEED.get(name, 400))


def card_of(name: str) -> Mapping[str, Any]:
    facts = read_facts(judge_folder(name))
    groups: Mapping[str, Any] = facts["validation"]["groups"]
    return groups


def table(title: str, groups: Any) -> None:  # noqa: ANN401 - as JSON has it
    print(f"{title}\n\n| completions | n | accuracy | kappa | bias |\n|---|---|---|---|---|")
    for name, group in groups.items():
        accuracy, bias = group["accuracy"], group["bias"]
        kappa = "-" if group["kappa"] is None else f"{group['kappa']:.3f}"
        print(f"| {name} | {group['n']} | {shown(accuracy)} | {kappa} | {shown(bias)} |")
    print()


def shown(numbers: Mapping[str, float | None]) -> str:
    if numbers["low"] is None:
        return f"{numbers['value']:.3f}"
    return f"{numbers['value']:.3f} [{numbers['low']:.3f}, {numbers['high']:.3f}]"


def speed(judge: Tone, rows: Sequence[Labelled], many: int) -> None:
    pairs = [(row.prompt, row.response) for row in rows]
    pairs = (pairs * (many // len(pairs) + 1))[:many]
    judge.probabilities(pairs[:64])
    began = time.process_time()
    judge.probabilities(pairs)
    print(f"judgements a second of processor time: {many / (time.process_time() - began):,.0f}")


if __name__ == "__main__":
    main()
