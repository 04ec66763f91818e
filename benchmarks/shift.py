"""How much of the speed of two plain forward passes `audit shift` keeps, in one run and by processor time.

    python benchmarks/shift.py [--tuned STUDENT] [--first 12] [--rounds 3]

Of both models every position of our seeds' prompts and answers is foretold (the plain passes), then compared at each
token of the answers: ranks, divergences over the whole vocabulary in both directions, overlap (what the audit does).
Without a student the base stands on both sides, which costs as much. The order of the two is turned each round.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

from selfinstruct.audit.model_pair import CHAT, ModelSide, asked, batches, two_sides
from selfinstruct.audit.shift_tokens import ResponseTokens, moved, response
from selfinstruct.formats.seeds import builtin_seeds, read_seeds
from selfinstruct.models.transformers_weights import TransformersWeights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="embedded")
    parser.add_argument("--tuned", default="")
    parser.add_argument("--first", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    base = TransformersWeights(given.base)
    before, after, tokenizer = two_sides(base, TransformersWeights(given.tuned) if given.tuned else base)
    looked = list[ResponseTokens]()
    for task in read_seeds(builtin_seeds())[: given.first]:
        pair = task.instances[0]
        tokens = list(tokenizer(pair.output, add_special_tokens=False)["input_ids"])
        looked.append(response(task.id, asked(tokenizer, CHAT, task, pair.input), tokens, tokenizer))
    positions = sum(len(answer.prompt) + len(answer.tokens) for answer in looked)
    said = sum(len(answer.tokens) for answer in looked)

    def plain() -> None:
        _forward(before, after, looked)

    def audit() -> None:
        moved(before, after, looked)

    plain()
    audit()
    ratios = []
    for number in range(given.rounds):
        first, second = (plain, audit) if number % 2 else (audit, plain)
        spent = {answer.__name__: _seconds(answer) for answer in (first, second)}
        ratios.append(spent["plain"] / spent["audit"])
        print(f"round {number + 1}: two forward passes {spent['plain']:.2f} s, audit {spent['audit']:.2f} s")
    print(f"{len(looked)} texts, {positions:,} positions, {said:,} of them compared")
    print(f"speed of the audit, as a share of the plain passes: {median(ratios):.0%} (median of {given.rounds})")


def _forward(before: ModelSide, after: ModelSide, looked: list[ResponseTokens]) -> None:
    rows = [[*answer.prompt, *answer.tokens] for answer in looked]
    words = int(after.model.config.get_text_config().vocab_size)
    for batch in batches({at: len(row) for at, row in enumerate(rows)}, words):
        together = [rows[at] for at in batch]
        before.logits(together)
        after.logits(together)


def _seconds(what: Callable[[], None]) -> float:
    begun = time.process_time()
    what()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
