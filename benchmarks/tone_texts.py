"""All completions that were read, in one file: what the judge `ifs-v2` learns from, and of frame 1 `ifs-v2-linear`.

`seeds/tone_completions.jsonl`, and `seeds/tone_reads.jsonl` with the texts that it names by file, row and hash.

    python benchmarks/tone_texts.py DUMPS [--frame 1] -o reads.jsonl

`DUMPS` holds three public runs of Self-Instruct (Apache-2.0) as their authors published them: `davinci_fork`
(AliceShen122/self-instruct), `llama3_fork` (kissshhot/self-instruct), `text_davinci_003_fork` (leadawon/self-instruct).
Rows whose texts cannot be had this way (completions of a model whose package names no licence) stay without.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from selfinstruct.tone.first_tokens import TONE_TOKENS, first_tokens

SEEDS = Path(__file__).parents[1] / "seeds"
LINEAGES = {"gemma": "gemma", "smollm": "smollm2"}
"""Of the models in the older file, by how their names begin."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("dumps", type=Path)
    options.add_argument("-o", "--output", type=Path, required=True)
    options.add_argument("--frame", type=int, choices=(1, 2), help="Of `tone_reads.jsonl` the rows of this one alone.")
    given = options.parse_args()
    read: dict[str, list[str]] = {}
    drawn = missing = 0
    with given.output.open("w", encoding="utf-8") as out:
        for row in rows("tone_completions.jsonl"):
            name = row["model"].lower()
            lineage = next(family for start, family in LINEAGES.items() if name.startswith(start))
            out.write(json.dumps({**row, "lineage": lineage}, ensure_ascii=False) + "\n")
        for row in rows("tone_reads.jsonl"):
            if given.frame and row.get("frame", 1) != given.frame:
                continue
            if "file" in row:
                lines = read.setdefault(row["file"], (given.dumps / row["file"]).read_text("utf-8").splitlines())
                prompt, text = texts(row["file"], json.loads(lines[int(row["row"]) - 1]))
                text = first_tokens(text, TONE_TOKENS)
                if hashlib.sha256(f"{prompt}\0{text}".encode()).hexdigest() != row["sha256"]:
                    sys.exit(f"{row['file']}:{row['row']}: another text than the one that was read")
                row |= {"prompt": prompt, "response": text}
                drawn += 1
            missing += "prompt" not in row
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{given.output}: {drawn} rows completed, {missing} without texts")


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (SEEDS / name).read_text(encoding="utf-8").split("\n") if line]


def texts(file: str, row: dict[str, Any]) -> tuple[str, str]:
    """Prompt and completion of a row, as each of the files has them."""
    if file.endswith("finetuning_data_401.jsonl"):
        return row["prompt"], row["completion"].replace("<|endoftext|>", "")
    about = row.get("instance_metadata") or row.get("metadata") or {}
    said = about.get("response")
    text = row["raw_instances"] if said is None else said if isinstance(said, str) else said["choices"][0]
    if not isinstance(text, str):
        text = text.get("text") or text["message"]["content"]
    if file.startswith("davinci_fork"):
        return row["instruction"], text
    prompt = about["prompt"]
    return prompt[0] if isinstance(prompt, list) else prompt, text


if __name__ == "__main__":
    main()
