"""Tuning: our packed rows against TRL's SFTTrainer, loss on assistant tokens only; useful tokens a second, and memory.

    python benchmarks/finetune.py [--rows 64] [--method lora] [--threads 1] [--data DIR]

Same weights, rows, threads and number format, steps of like size; each contender in a process of its own, and in turns.
TRL packs best-fit decreasing into rows as long as the longest example, at least 512 tokens, one row at a time. With
`--padded` it also runs on padded rows, sorted by length; the faster one is the peer. Useful tokens are those of
examples: filling counts for nothing. Time is the processor's, from the first step to the end of the last; memory is
what the process takes at most. By default the embedded model's weights and our seed tasks, repeated as often as needed;
needs the extra `train`, and trl.
"""

import argparse
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfinstruct.finetune.adapter import with_adapter
from selfinstruct.finetune.examples import prepare
from selfinstruct.finetune.machine_probe import capabilities
from selfinstruct.finetune.packing import steps, useful_share
from selfinstruct.finetune.training import Hyperparameters, train
from selfinstruct.models.transformers_weights import libraries, load_weights
from selfinstruct.records import Instance, Provenance, Task

HERE = Path(__file__).resolve()
SEEDS = HERE.parents[1] / "seeds" / "self_instruct.jsonl"
BATCH, LONGEST, ROW, RANK, ALPHA = 8, 1024, 512, 8, 16
CONTENDERS = ("ours", "trl packed", "trl padded")
TEMPLATE = (  # ChatML, with the marks by which TRL finds what the assistant says
    "{% for turn in messages %}<|im_start|>{{ turn.role }}\n"
    "{% if turn.role == 'assistant' %}{% generation %}{{ turn.content }}<|im_end|>{% endgeneration %}\n"
    "{% else %}{{ turn.content }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
RATES = {"lora": 5e-4, "full": 4e-5}


@dataclass(frozen=True, slots=True)
class Given:
    """What each contender gets."""

    model: str
    method: str
    dtype: str
    rows: int
    data: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="embedded", help="as after `hf:`")
    parser.add_argument("--method", default="lora", choices=sorted(RATES))
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", default="", help="a folder with alpaca_style/alpaca_en_demo.json")
    parser.add_argument("--padded", action="store_true", help="TRL without packing, too")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    given = Given(options.model, options.method, options.dtype, options.rows, options.data)
    if options.contender:
        libraries()[0].set_num_threads(options.threads)
        print(json.dumps(_run(options.contender, given)))
        return
    names = CONTENDERS if options.padded else CONTENDERS[:2]
    measured: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(options.rounds):
        for name in names:
            measured[name].append(_child(name, options.threads))
    _tell(measured, given)


def _tell(measured: dict[str, list[dict[str, float]]], given: Given) -> None:
    def median(name: str, what: str) -> float:
        return statistics.median(run[what] for run in measured[name])

    print(
        "| contender | useful tokens/s | useful share | peak above start, MiB | peak in all, MiB | loss first -> last |"
    )
    print("|---|---|---|---|---|---|")
    for name in measured:
        speed, share, above = median(name, "speed"), median(name, "share"), median(name, "above")
        losses = f"{median(name, 'first'):.2f} -> {median(name, 'last'):.2f}"
        print(f"| {name} | {speed:.0f} | {share:.3f} | {above:.0f} | {median(name, 'peak'):.0f} | {losses} |")
    peer = max(list(measured)[1:], key=lambda name: median(name, "speed"))
    speed = median("ours", "speed") / median(peer, "speed")
    memory = median("ours", "peak") / median(peer, "peak")
    print(f"against {peer}: {speed:.2f} times the speed, {memory:.2f} times the peak memory")
    print(f"{given.model}, {given.method}, {given.dtype}, {given.rows} rows; load average {os.getloadavg()[0]:.1f}")


def _child(name: str, threads: int) -> dict[str, float]:
    command = [sys.executable, str(HERE), *sys.argv[1:], "--contender", name]
    quiet = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), **quiet}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr[-2000:]}")
    numbers: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return numbers


def _run(name: str, given: Given) -> dict[str, float]:
    tasks = _tasks(given)
    two_bytes = given.dtype == "bfloat16" and given.method == "lora"
    loaded = load_weights(given.model, device="cpu", dtype="bfloat16" if two_bytes else "float32")
    loaded.tokenizer.chat_template = TEMPLATE
    loaded.tokenizer.pad_token = loaded.tokenizer.pad_token or loaded.tokenizer.eos_token
    watch = _watch()
    examples = prepare(tasks, loaded.tokenizer, template="chat", max_tokens=LONGEST)
    tokens = examples.counts.tokens
    contender: Callable[..., float] = _ours if name == "ours" else _trl
    with tempfile.TemporaryDirectory() as scratch:
        share = contender(given, loaded, tasks, examples, watch, Path(scratch), name)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    few = max(1, len(watch.losses) // 4)
    return {
        "speed": tokens / (watch.ended - watch.began),
        "share": share,
        "above": peak - watch.memory,
        "peak": peak,
        "first": statistics.fmean(watch.losses[:few]),
        "last": statistics.fmean(watch.losses[-few:]),
    }


def _ours(given: Given, loaded: Any, tasks: Any, prepared: Any, watch: Any, scratch: Path, name: str) -> float:  # noqa: ANN401
    del tasks, name
    model = loaded.model
    examined = capabilities(model, given.model)
    if given.method == "lora":
        model = with_adapter(model, rank=RANK, alpha=ALPHA, targets=("all-linear",), seed=1, base=given.model)
    recipe = Hyperparameters(
        learning_rate=RATES[given.method],
        epochs=1.0,
        batch=BATCH,
        accumulate=1,
        warm_up=0.0,
        neftune=0.0,
        autocast=given.dtype == "bfloat16" and given.method == "full",
        seed=1,
        save_every=10**9,
    )
    train(model, loaded.tokenizer, prepared.examples, recipe, examined, scratch, [watch])
    lengths = [len(example) for example in prepared.examples]
    return useful_share(lengths, steps(len(lengths), BATCH, 1.0, 1), BATCH, examined.batching, examined.together)


def _trl(given: Given, loaded: Any, tasks: Any, prepared: Any, watch: Any, scratch: Path, name: str) -> float:  # noqa: ANN401
    import datasets
    import peft

    trl: Any = importlib.import_module("trl")  # its names are made late
    packed = name == "trl packed"
    said = [(_asked(task), task.instances[0].output) for task in tasks]
    rows = [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}
        for asked, answer in said
    ]
    longest = prepared.counts.longest
    arguments = trl.SFTConfig(
        output_dir=str(scratch),
        assistant_only_loss=True,
        packing=packed,
        max_length=max(ROW, longest),
        per_device_train_batch_size=1 if packed else BATCH,
        train_sampling_strategy="random" if packed else "group_by_length",
        num_train_epochs=1,
        learning_rate=RATES[given.method],
        warmup_steps=0,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        bf16=given.dtype == "bfloat16",
        gradient_checkpointing=False,
        dataloader_pin_memory=False,
        seed=1,
        disable_tqdm=True,
    )
    adapter = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM")
    trainer = trl.SFTTrainer(
        loaded.model,
        args=arguments,
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=loaded.tokenizer,
        peft_config=adapter if given.method == "lora" else None,
        callbacks=[watch],
    )
    processed = 0
    for batch in trainer.get_train_dataloader():
        processed += int(batch["input_ids"].numel())
    trainer.train()
    return float(prepared.counts.tokens / processed)


def _watch() -> Any:  # noqa: ANN401 - a class that is made when transformers is there
    _, transformers = libraries()

    class Watch(transformers.TrainerCallback):  # type: ignore[misc, name-defined] # imported late
        began = ended = memory = 0.0

        def __init__(self) -> None:
            self.losses: list[float] = []

        def on_train_begin(self, *_told: Any, **_more: Any) -> None:  # noqa: ANN401
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            self.memory = pages * resource.getpagesize() / 2**20
            self.began = time.process_time()

        def on_step_end(self, *_told: Any, **_more: Any) -> None:  # noqa: ANN401
            self.ended = time.process_time()

        def on_log(self, *_told: Any, logs: Any = None, **_more: Any) -> None:  # noqa: ANN401
            if "loss" in (logs or {}):
                self.losses.append(float(logs["loss"]))

    return Watch()


def _asked(task: Task) -> str:
    given = task.instances[0].input
    return f"{task.instruction}\n\n{given}" if given.strip() else task.instruction


def _tasks(given: Given) -> list[Task]:
    if given.data:
        rows = json.loads((Path(given.data) / "alpaca_style" / "alpaca_en_demo.json").read_text(encoding="utf-8"))
        lines = [(row["instruction"], row["input"], row["output"]) for row in rows]
    else:
        seeds = [json.loads(line) for line in SEEDS.read_text(encoding="utf-8").splitlines()]
        lines = [(seed["instruction"], seed["instances"][0]["input"], seed["instances"][0]["output"]) for seed in seeds]
    return [
        Task(
            instruction=instruction,
            instances=(Instance(entered, output),),
            provenance=Provenance(stage="seed"),
        )
        for instruction, entered, output in (lines[number % len(lines)] for number in range(given.rows))
    ]


if __name__ == "__main__":
    main()
