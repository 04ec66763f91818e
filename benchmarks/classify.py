"""How well the offline classifier tells classification tasks from others, beside "always no".

    python benchmarks/classify.py [--data DIR]

Five-fold cross-validation on our own seeds; with DIR, also trained on all seeds and tried on
DIR/gpt4o_labels/is_clf_or_not_gpt-4o_template_1.jsonl (labels by a model, see benchmarks/README.md).
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from selfinstruct.generate.offline_classifier import balanced_accuracy, cross_validate, labelled, train
from selfinstruct.records import Provenance, Task

SEEDS = Path(__file__).resolve().parents[1] / "seeds" / "self_instruct.jsonl"
LABELS = Path("gpt4o_labels") / "is_clf_or_not_gpt-4o_template_1.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    data: Path | None = parser.parse_args().data
    seeds = [_task(line["instruction"], is_classification=line["is_classification"]) for line in _lines(SEEDS)]
    report("seeds, 5 folds", cross_validate(seeds), labelled(seeds))
    if data:
        labels = [
            (line["instruction"], line["is_classification"].strip().partition(",")[0]) for line in _lines(data / LABELS)
        ]
        tasks = [_task(text, is_classification=answer == "Yes") for text, answer in labels if answer in {"Yes", "No"}]
        classifier = train(seeds)
        guesses = [classifier.probability(task.instruction) > 0.5 for task in tasks]
        truth = [bool(task.is_classification) for task in tasks]
        report("gpt4o_labels, trained on the seeds", balanced_accuracy(truth, guesses), tasks)
        hits = sum(guess and answer for guess, answer in zip(guesses, truth, strict=True))
        print(f"  says yes to {sum(guesses)}, finds {hits} of {sum(truth)}")
        report("gpt4o_labels, 5 folds of its first 2,000 of either kind", cross_validate(_first(tasks)), _first(tasks))


def _first(tasks: list[Task]) -> list[Task]:
    return [t for t in tasks if t.is_classification] + [t for t in tasks if not t.is_classification][:2000]


def report(name: str, accuracy: float, tasks: list[Task]) -> None:
    yes = sum(bool(task.is_classification) for task in tasks)
    never = balanced_accuracy([bool(task.is_classification) for task in tasks], [False] * len(tasks))
    print(f"{name}: balanced accuracy {accuracy:.3f}, always no {never:.3f} ({yes} of {len(tasks)} are classification)")


def _task(instruction: str, *, is_classification: bool) -> Task:
    return Task(instruction=instruction, is_classification=is_classification, provenance=Provenance(stage="input"))


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    return map(json.loads, path.read_text(encoding="utf-8").splitlines())


if __name__ == "__main__":
    main()
