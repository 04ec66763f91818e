"""The loop: what a cycle finds steers the next, and a plateau ends it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.feedback import Feedback
from selfinstruct.needs import NOTHING, Needs
from selfinstruct.records import Provenance, Task
from selfinstruct.run.main_loop import Walked, walk
from selfinstruct.run.progress_events import Unwatched, Watch
from selfinstruct.run.recipe.keys import RecipeKeys
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.stage_names import STAGES
from selfinstruct.run.recipe.yaml_file import parse_yaml
from selfinstruct.stage import Bench, Built, Kept, Measured, Outcome, Scope
from selfinstruct.store.reading import publish_sealed, read_sealed
from tests.run.toys import Count, runner_in

SEEDS = tuple(
    Task(instruction=text, provenance=Provenance(stage="seed"), ordinal=number)
    for number, text in enumerate(["Name a river in Spain.", "Is this review positive or negative?"] * 6)
)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Pretends a student: answers a share of the questions that rises with the records, and no label is ever told."""

    name: ClassVar[str] = "answers"
    version: ClassVar[int] = 1
    scope: ClassVar[Scope] = "set"
    needs: ClassVar[Needs] = NOTHING

    rises: bool = True
    sources: int = 150
    samples: int = 1

    def __call__(self, records: Sequence[Task], bench: Bench) -> Iterator[Outcome]:
        yield from map(Kept, records)
        bench.scratch.mkdir(parents=True, exist_ok=True)
        file = bench.scratch / "responses.jsonl"
        known = len(records) if self.rises else 10
        rows = []
        for number in range(self.sources):
            label = number % 2 == 1
            prompt = f"Is text {number} positive or negative?" if label else f"Name the river {number} of Spain."
            for whole in (True, False):
                answers = not label and number < 4 * known
                text = prompt if whole else " ".join(prompt.split()[:3])
                row = {"model": "m", "wrapper": "none", "prompt": text, "source": f"s-{number}", "whole": whole}
                rows += [{**row, "sample": sample, "answer_like": answers} for sample in range(self.samples)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        yield Built("responses.jsonl", file)


@dataclass(frozen=True, kw_only=True)
class Guided(Count):
    """Notes how gladly each seed is shown."""

    name: ClassVar[str] = "guided"

    def __call__(self, records: Any, bench: Bench) -> Iterator[Outcome]:
        for outcome in super().__call__(records, bench):
            assert isinstance(outcome, Kept)
            weights = {seed.id: bench.guidance.get(seed.id, 1.0) for seed in bench.pool.seeds}
            yield Kept(outcome.record, {"guidance": dict(weights), "wanted": dict(bench.wanted)})


def walked(
    folder: Path,
    *,
    cycles: int,
    rises: bool = True,
    steer: bool = True,
    count: int = 12,
    sources: int = 150,
    samples: int = 1,
    watch: Watch | None = None,
) -> Walked:
    recipe = RecipeKeys(name="loop", count=count, cycles=cycles)
    stages = (Answers(rises=rises, sources=sources, samples=samples), Feedback(steer=steer))
    runner = replace(runner_in(folder), watch=watch or Unwatched())
    return walk(Resolved(recipe, (Guided(),), stages), runner, SEEDS, 4)


class Listening(Unwatched):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def notice(self, line: str) -> None:
        self.said.append(line)


def wanted(folder: Path) -> list[dict[str, float]]:
    """The kinds of task that requests are to name, in every round."""
    files = sorted(folder.glob("round-*/01-guided/kept.jsonl"))
    return [json.loads(file.read_text().splitlines()[0])["evidence"]["wanted"] for file in files]


def shown(folder: Path) -> list[dict[str, float]]:
    """The weights of the seeds in every round."""
    files = sorted(folder.glob("round-*/01-guided/kept.jsonl"))
    return [json.loads(file.read_text().splitlines()[0])["evidence"]["guidance"] for file in files]


def test_each_cycle_makes_as_many_tasks_more_and_has_stages_of_its_own(tmp_path: Path) -> None:
    ended = walked(tmp_path / "run", cycles=3)
    assert ended.reason == "target"
    assert len(ended.kept) == 36
    assert [cycle.tasks for cycle in ended.cycles] == [12, 24, 36]
    assert [cycle.number for cycle in ended.cycles] == [1, 2, 3]
    for cycle, later in zip(ended.cycles, ended.cycles[1:], strict=False):
        assert later.rounds[0] == cycle.rounds[1] + 1
    folders = [place.path.parent.name for place in runner_in(tmp_path / "run").folder.stage_folders()]
    assert [name for name in dict.fromkeys(folders) if name.startswith("stages")] == [
        cycle.part for cycle in ended.cycles
    ]
    assert folders[0] == "round-00001"
    assert folders[-1] == ended.cycles[-1].part


def test_what_the_student_fails_on_is_shown_more_in_the_next_cycle_and_never_in_the_first(tmp_path: Path) -> None:
    ended = walked(tmp_path / "run", cycles=2)
    weights = shown(tmp_path / "run")
    river, label = SEEDS[0].id, SEEDS[1].id
    assert {weight for line in weights[: ended.cycles[0].rounds[1]] for weight in line.values()} == {1.0}
    for line in weights[ended.cycles[0].rounds[1] :]:
        assert line[label] > 1 > line[river]
    named = wanted(tmp_path / "run")
    assert not any(named[: ended.cycles[0].rounds[1]])
    for line in named[ended.cycles[0].rounds[1] :]:
        assert line["classification tasks that name their possible labels"] > 1


def test_feedback_that_does_not_steer_is_told_all_the_same(tmp_path: Path) -> None:
    ended = walked(tmp_path / "run", cycles=2, steer=False)
    assert {weight for line in shown(tmp_path / "run") for weight in line.values()} == {1.0}
    assert not any(wanted(tmp_path / "run"))
    assert ended.cycles[0].feedback["cells"]


def test_the_loop_ends_where_the_score_no_longer_rises(tmp_path: Path) -> None:
    ended = walked(tmp_path / "run", cycles=5, rises=False)
    assert ended.reason == "plateau"
    assert len(ended.cycles) == 2
    gain = ended.cycles[-1].feedback["gain"]
    assert isinstance(gain, dict)
    assert gain["value"] == 0.0
    assert gain["high"] == pytest.approx(1 - 0.025 ** (1 / 150))  # nothing differs, and yet that is no certainty
    assert len(ended.kept) == 24


@pytest.mark.parametrize(("sources", "reason"), [(98, "target"), (99, "plateau")])
def test_so_few_prompts_that_nothing_could_be_known_never_end_a_loop_and_that_is_said(
    sources: int, reason: str, tmp_path: Path
) -> None:
    heard = Listening()
    ended = walked(tmp_path / "run", cycles=3, rises=False, sources=sources, watch=heard)
    assert ended.reason == reason
    assert any("too few" in line for line in heard.said) == (reason == "target")


@pytest.mark.parametrize(("sources", "samples", "steers"), [(10, 8, False), (30, 1, True), (30, 2, True)])
def test_several_answers_to_one_prompt_are_one_prompt(
    sources: int,
    samples: int,
    steers: bool,  # noqa: FBT001 - a table
    tmp_path: Path,
) -> None:
    ended = walked(tmp_path / "run", cycles=1, sources=sources, samples=samples)
    cells: Any = ended.cycles[-1].feedback["cells"]
    assert {cell["steers"] for cell in cells if cell["feature"] == "asks"} == {steers}
    assert {cell["prompts"] for cell in cells if cell["feature"] == "asks"} == {sources * samples}


@pytest.mark.parametrize(("others", "steers"), [(0, False), (14, False), (15, True)])
def test_a_kind_that_nearly_all_prompts_belong_to_steers_nothing(
    others: int,
    steers: bool,  # noqa: FBT001 - a table
    tmp_path: Path,
) -> None:
    rows = []
    for number in range(40 + others):
        prompt = f"Name the river {number} of Spain." if number < 40 else f"Is text {number} positive or negative?"
        row = {"model": "m", "wrapper": "none", "source": f"s-{number}", "answer_like": number % 2 == 0 or number > 40}
        rows += [{**row, "whole": whole, "prompt": prompt if whole else prompt[:9]} for whole in (True, False)]
    file = tmp_path / "now.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    bench = Bench(built={"responses.jsonl": file}, scratch=tmp_path / "scratch")
    [feedback] = [outcome.value for outcome in Feedback()((), bench) if isinstance(outcome, Measured)]
    assert isinstance(feedback, dict)
    cells: Any = feedback["cells"]
    assert {cell["steers"] for cell in cells if cell["cell"] == "for a text"} == {steers}
    assert (
        any(str(line).startswith("tasks that ask for a text: ") for line in cast("list[str]", feedback["asks_for"]))
        == steers
    )


def test_answers_to_other_prompts_than_before_tell_no_gain(tmp_path: Path) -> None:
    file, others = tmp_path / "now.jsonl", tmp_path / "before.jsonl"
    for path, what in ((file, "river"), (others, "lake")):
        row = {"model": "m", "wrapper": "none", "prompt": f"Name a {what}.", "source": what, "whole": True}
        path.write_text(json.dumps({**row, "answer_like": True}) + "\n", encoding="utf-8")
    bench = Bench(built={"responses.jsonl": file}, before={"responses.jsonl": others}, scratch=tmp_path / "scratch")
    [feedback] = [outcome.value for outcome in Feedback()((), bench) if isinstance(outcome, Measured)]
    assert isinstance(feedback, dict)
    assert (feedback["gain"], feedback["plateau"]) == (None, False)


def test_every_decision_is_in_the_ledger_once_however_often_the_run_is_begun(tmp_path: Path) -> None:
    first = walked(tmp_path / "run", cycles=2)
    again = walked(tmp_path / "run", cycles=2)
    assert [task.id for task in again.kept] == [task.id for task in first.kept]
    lines = [json.loads(line) for line in (tmp_path / "run" / "ledger.jsonl").read_text().splitlines()]
    cycles = [line for line in lines if line["event"] == "cycle"]
    assert [line["cycle"] for line in cycles] == [1, 2]
    assert cycles[0]["asks_for"][0].startswith("classification tasks that name their possible labels: ")
    assert cycles[1]["gain"]["value"] > 0
    assert [line["decision"] for line in cycles] == ["go on", "end: it was the last one asked for"]
    assert all(0 < line["distinct_2"] <= 1 for line in cycles)


def test_a_loop_killed_after_a_cycle_goes_on_to_the_same_files(tmp_path: Path) -> None:
    walked(tmp_path / "whole", cycles=2)
    walked(tmp_path / "run", cycles=2)
    second = min((tmp_path / "run").glob("stages-00002-*"))
    for done in second.glob("*/DONE"):
        done.unlink()
    walked(tmp_path / "run", cycles=2)
    for file in sorted((tmp_path / "whole").rglob("*.jsonl")):
        if file.name != "ledger.jsonl":
            assert file.read_bytes() == (tmp_path / "run" / file.relative_to(tmp_path / "whole")).read_bytes()


def made(text: str) -> Resolved:
    return resolve(parse_yaml(text.encode(), "test"))


def test_cycles_without_feedback_and_a_student_that_cannot_teach_are_refused() -> None:
    rounds = "{name: a, models: {teacher: embedded}, rounds: [propose]"
    with pytest.raises(BadInput, match="stage `feedback`"):
        made(f"{rounds}, cycles: 2}}")
    with pytest.raises(BadInput, match="built:student"):
        made(f"{rounds}, student_teaches: true}}")


@pytest.mark.parametrize(
    ("stages", "refusal"),
    [
        ("{score: {prompts: 'ifs-v1:dev', label: dev}}, feedback", "without a label, and none stands before it"),
        ("{feedback: {label: dev}}, {score: {prompts: 'ifs-v1:dev', label: dev}}", "'dev', and none stands before"),
        ("{score: {prompts: 'ifs-v1:dev'}}, feedback, {score: {prompts: 'ifs-v1:test'}}", "one on each side"),
    ],
)
def test_feedback_without_a_score_of_its_own_is_refused_before_anything_is_paid(stages: str, refusal: str) -> None:
    with pytest.raises(BadInput, match=refusal):
        made(f"{{name: a, models: {{teacher: embedded}}, rounds: [propose], stages: [{stages}], cycles: 2}}")


def test_the_target_of_a_cycle_is_part_of_what_a_loop_is() -> None:
    from selfinstruct.run.fingerprint import fingerprint, identity

    loop = made(
        "{name: a, models: {teacher: embedded}, rounds: [propose], "
        "stages: [{score: {prompts: 'ifs-v1:dev'}}, feedback], cycles: 2}"
    )
    more = replace(loop, recipe=loop.recipe.model_copy(update={"count": 200}))
    assert fingerprint(identity(loop, ())) != fingerprint(identity(more, ()))


@pytest.mark.parametrize(
    ("scores", "refused"),
    [
        ("score", True),
        ("{score: {prompts: 'ifs-v1:test'}}", True),
        ("{score: {prompts: 'ifs-v1:dev'}}", False),
        ("{score: {prompts: 'ifs-v1:dev'}}, {score: {label: other}}", False),
        ("{score: {prompts: ''}}", False),
    ],
)
def test_feedback_reads_no_prompts_that_are_reported(scores: str, refused: bool) -> None:  # noqa: FBT001 - a table
    text = f"{{name: a, models: {{teacher: embedded}}, rounds: [propose], stages: [{scores}, feedback]}}"
    if refused:
        with pytest.raises(BadInput, match="what steers must not be reported"):
            made(text)
    else:
        made(text)


def test_feedback_reads_the_student_where_one_is_tuned() -> None:
    text = (
        "{{name: a, models: {{base: embedded, student: 'built:student'}}, inputs: [builtin], stages: "
        "[{{decontaminate: {{against: [ifs-v1]}}}}, finetune, {{score: {{model: {0}, beside: [{1}], "
        "prompts: 'ifs-v1:dev'}}}}, feedback]}}"
    )
    made(text.format("student", "base"))
    with pytest.raises(BadInput, match="asks 'base' first, and not the student"):
        made(text.format("base", "student"))


@pytest.mark.parametrize(("judge", "refused"), [("", True), (", judge: ifs-v1", False)])
def test_cycles_are_not_compared_by_a_judge_that_each_trains_anew(judge: str, refused: bool) -> None:  # noqa: FBT001 - a table
    text = (
        "{name: a, models: {teacher: embedded}, rounds: [propose], cycles: 2, stages: "
        f"[fragment, train_judge, {{score: {{prompts: 'ifs-v1:dev'{judge}}}}}, feedback]}}"
    )
    if refused:
        with pytest.raises(BadInput, match="by a judge that each of them trains anew"):
            made(text)
    else:
        made(text)


def test_a_stage_made_of_other_records_than_come_in_is_refused(tmp_path: Path) -> None:
    walked(tmp_path / "run", cycles=1)
    done = next((tmp_path / "run").glob("stages*/*/DONE"))
    result = read_sealed(done, "")
    publish_sealed(done, {**result, "received": result["received"] + 1})
    with pytest.raises(BadInput, match="come in now; delete this folder"):
        walked(tmp_path / "run", cycles=1)


@pytest.mark.parametrize(
    ("stages", "missing"),
    [
        ("finetune", "ifs-v1:dev"),
        ("{finetune: {stop: none}}", ""),
        ("{finetune: {stop: none}}, {score: {model: student}}", "ifs-v1"),
        ("{finetune: {stop: none}}, {objecqa: {model: student}}", "objecqa-v1"),
        ("{decontaminate: {against: ['ifs-v1:dev']}}, finetune", ""),
        ("{decontaminate: {against: ['ifs-v1:dev']}}, finetune, {score: {model: student}}", "ifs-v1"),
        ("{decontaminate: {against: [ifs-v1]}}, {finetune: {objecqa: true}}", "objecqa-v1"),
        ("finetune, {decontaminate: {against: [ifs-v1]}}", "ifs-v1:dev"),
    ],
)
def test_nothing_is_learned_from_records_that_were_not_compared_with_what_is_asked(stages: str, missing: str) -> None:
    text = f"{{name: a, models: {{base: embedded, student: 'built:student'}}, inputs: [builtin], stages: [{stages}]}}"
    if not missing:
        made(text)
        return
    with pytest.raises(BadInput, match=f"nothing is taken out that is like {missing}; put `decontaminate"):
        made(text)


def test_the_student_takes_over_from_the_teacher_and_from_nobody_else(tmp_path: Path) -> None:
    runner = replace(runner_in(tmp_path), student="student", teacher="teacher")
    before = {"student": tmp_path}
    propose, instances, classify = (STAGES[name]() for name in ("propose", "instances", "classify"))
    assert runner._answering_role("teacher", propose, "round-00002", before) == "student"
    assert runner._answering_role("teacher", instances, "round-00002", before) == "student"
    assert runner._answering_role("teacher", classify, "round-00002", before) == "teacher"
    assert runner._answering_role("teacher", propose, "round-00001", {}) == "teacher"
    assert runner._answering_role("other", propose, "round-00002", before) == "other"
    assert runner._answering_role("teacher", propose, "stages-00002-after-00002", before) == "teacher"


@pytest.mark.parametrize(
    ("propose", "refused"),
    [
        ("propose", False),
        ("{propose: {machine_demonstrations: 4}}", False),
        ("{propose: {machine_demonstrations: 5}}", True),
        ("{propose: {demonstrations: 2}}", True),
        ("{propose: {style: alpaca}}", False),
        ("{propose: {style: alpaca, machine_demonstrations: 2}}", True),
    ],
)
def test_human_seeds_stay_at_least_half_of_what_a_student_that_teaches_is_shown(
    propose: str,
    refused: bool,  # noqa: FBT001 - a table
) -> None:
    text = (
        "{name: a, models: {teacher: embedded, base: embedded, student: 'built:student'}, cycles: 2, "
        f"student_teaches: true, rounds: [{propose}], stages: ["
        "{decontaminate: {against: [ifs-v1]}}, finetune, {score: {model: student, prompts: 'ifs-v1:dev'}}, feedback]}"
    )
    if refused:
        with pytest.raises(BadInput, match="human seeds stay at least half"):
            made(text)
    else:
        made(text)
