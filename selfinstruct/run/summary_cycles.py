"""The cycles of a loop, as the report tells them."""

from selfinstruct.report.json_values import Estimate, estimate_beside, estimate_in, number_in, texts_in
from selfinstruct.report.summary import CycleCount
from selfinstruct.run.cycles import Cycle
from selfinstruct.run.loop import Walked
from selfinstruct.run.recipe import Resolved
from selfinstruct.store.run_folder import RunFolder

_SCORE = "score"


def cycle_counts(resolved: Resolved, folder: RunFolder, walked: Walked) -> tuple[CycleCount, ...]:
    """Every cycle with what was decided at its end; none for a recipe that is walked once."""
    if resolved.recipe.cycles == 1:
        return ()
    return tuple(_cycle(resolved, folder, cycle) for cycle in walked.cycles)


def _cycle(resolved: Resolved, folder: RunFolder, cycle: Cycle) -> CycleCount:
    told = cycle.feedback
    steers = told.get("steers")
    return CycleCount(
        number=cycle.number,
        rounds=cycle.rounds,
        tasks=cycle.tasks,
        nearest=cycle.nearest,
        distinct_2=cycle.distinct_2,
        ifs=_ifs(resolved, folder, cycle),
        gain=estimate_in(told.get("gain")),
        decision=cycle.decision,
        asks_for=texts_in(told.get("asks_for")),
        steers=steers if isinstance(steers, bool) else None,
    )


def _ifs(resolved: Resolved, folder: RunFolder, cycle: Cycle) -> Estimate | None:
    """As feedback read it, with the interval from the score whose responses it read."""
    value = number_in(cycle.feedback.get("ifs"))
    if value is None:
        return None
    label = next((stage.needs.label for stage in resolved.once if stage.needs.feeds_back), "")
    for position, stage in enumerate(resolved.once, 1):
        if stage.needs.scores and stage.needs.label == label:
            result = folder.stage(cycle.part, position, stage.name).result()
            told = None if result is None else result.measured.get(_SCORE)
            found = estimate_beside(told, "ifs") if isinstance(told, dict) else None
            # another score may have written over the responses: then the numbers differ, and the interval is not ours
            if found is not None and abs(found.value - value) < 1e-9:
                return found
    return Estimate(value)
