"""What `training.json` and the card tell of a training: its knobs as they were, and how it went."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from selfinstruct.finetune.checkpoint import Progress
from selfinstruct.finetune.examine import Examined
from selfinstruct.finetune.examples import Prepared
from selfinstruct.finetune.packing import steps, useful_share
from selfinstruct.finetune.precision import Precision
from selfinstruct.finetune.training import Recipe
from selfinstruct.records import Json

if TYPE_CHECKING:
    from selfinstruct.finetune.finetune import Finetune


def told_recipe(stage: "Finetune", recipe: Recipe, numbers: Precision, examined: Examined) -> dict[str, Json]:
    """The knobs that made the student what it is."""
    lora: dict[str, Json] = {"rank": stage.rank, "alpha": stage.alpha, "targets": list(stage.targets)}
    return {
        "method": stage.method,
        "format": stage.format,
        **(lora if stage.method == "lora" else {}),
        "learning_rate": recipe.learning_rate,
        "epochs": stage.epochs,
        "batch": stage.batch,
        "accumulate": stage.accumulate,
        "max_tokens": min(stage.max_tokens, examined.context),
        "warm_up": stage.warm_up,
        "neftune": stage.neftune,
        "dtype": numbers.name,
        "layout": examined.layout,
        **({"merged": True} if stage.merge and stage.method == "lora" else {}),
        "seed": recipe.seed,
        "shuffled": stage.shuffled,
    }


def told_training(
    model: Any,  # noqa: ANN401 - imported late
    prepared: Prepared,
    recipe: Recipe,
    examined: Examined,
    progress: Progress,
) -> dict[str, Json]:
    """Steps, losses and sizes."""
    plan = steps(len(prepared.examples), recipe.batch * recipe.accumulate, recipe.epochs, recipe.seed)
    few = max(1, progress.step // 10)
    lengths = [len(one) for one in prepared.examples]
    useful = useful_share(lengths, plan[: progress.step], recipe.batch, examined.layout, examined.together)
    return {
        "steps": progress.step,
        "planned_steps": len(plan),
        "examples_seen": progress.examples,
        "learned_tokens": progress.tokens,
        "loss_first": _mean(progress.losses[:few]),
        "loss_last": _mean(progress.losses[-few:]),
        "useful_share": round(useful, 4),
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "trained_parameters": sum(weight.numel() for weight in model.parameters() if weight.requires_grad),
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 6) if values else None
