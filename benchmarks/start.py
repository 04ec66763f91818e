"""How long `selfinstruct --help` takes, beside an interpreter that does nothing and one that imports click."""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 7


def seconds(command: list[str]) -> float:
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not used here; every benchmark takes it")
    parser.parse_args()
    bare = seconds([sys.executable, "-c", "pass"])
    click = seconds([sys.executable, "-c", "import click"])
    ours = seconds([str(Path(sys.executable).with_name("selfinstruct")), "--help"])
    print("| start-up, median of 7 | seconds | times `python -c pass` |\n|---|---|---|")
    for name, took in (("python -c pass", bare), ("import click", click), ("selfinstruct --help", ours)):
        print(f"| {name} | {took:.3f} | {took / bare:.1f} |")


if __name__ == "__main__":
    main()
