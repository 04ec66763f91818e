"""How long `selfinstruct --help` and a whole small run take, beside interpreters that do nothing or only import."""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

RUNS = 7
OURS = str(Path(sys.executable).with_name("selfinstruct"))
# A run ends with a Parquet file and a page of drawings: these three are what its libraries cost without any of us.
LIBRARIES = "import pydantic, pyarrow.parquet, jinja2"


def seconds(command: Callable[[int], list[str]]) -> float:
    took = []
    for number in range(RUNS):
        began = time.perf_counter()
        subprocess.run(command(number), check=True, capture_output=True)
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="not used here; every benchmark takes it")
    parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        smoke = [OURS, "run", "smoke", "--set", "count=5"]
        measured = {
            "python -c pass": seconds(lambda _: [sys.executable, "-c", "pass"]),
            "import click": seconds(lambda _: [sys.executable, "-c", "import click"]),
            "selfinstruct --help": seconds(lambda _: [OURS, "--help"]),
            "selfinstruct check smoke": seconds(lambda _: [OURS, "check", "smoke"]),
            LIBRARIES: seconds(lambda _: [sys.executable, "-c", LIBRARIES]),
            "selfinstruct run smoke, 5 tasks": seconds(lambda number: [*smoke, "-o", f"{place}/{number}"]),
        }
    bare = measured["python -c pass"]
    print("| start-up, median of 7 | seconds | times `python -c pass` |\n|---|---|---|")
    for name, took in measured.items():
        print(f"| {name} | {took:.3f} | {took / bare:.1f} |")


if __name__ == "__main__":
    main()
