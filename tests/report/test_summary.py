from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.report.page import page
from selfinstruct.report.summary import Count, RunSummary, Spending, StageCount, TextFigures

STORY = RunSummary(
    name="s", fingerprint="f", version="0", models=("m",), seeds=1, target=5, published=0, stopped_because="it ended"
)
LINE = Spending(stage="propose", model="m", requests=4, failed=1, prompt_tokens=10, completion_tokens=5, cost="0.25")


@st.composite
def flows(draw: st.DrawFn) -> RunSummary:
    """Stages through which records flow, each getting some of what the one before kept."""
    stages, coming = [], draw(st.integers(0, 500))
    for place in range(draw(st.integers(1, 5))):
        received = draw(st.integers(0, coming)) if place else coming
        failed = draw(st.integers(0, received))
        kept = draw(st.integers(0, received - failed))
        gone = received - failed - kept
        first = draw(st.integers(0, gone))
        rejected = (Count("a", first), Count("b", gone - first))
        stages.append(StageCount(name=f"s{place}", received=received, kept=kept, rejected=rejected, failed=failed))
        coming = kept
    return replace(STORY, stages=tuple(stages), published=coming)


@given(flows())
def test_where_every_stage_closes_the_whole_closes(story: RunSummary) -> None:
    assert story.complaints == ()
    assert story.candidates == story.published + story.rejections + story.failed_records + story.waiting


@given(flows(), st.integers(1, 9))
def test_one_lost_record_anywhere_is_noticed(story: RunSummary, lost: int) -> None:
    stages = list(story.stages)
    for place, stage in enumerate(stages):
        broken = [*stages[:place], replace(stage, received=stage.received + lost), *stages[place + 1 :]]
        assert replace(story, stages=tuple(broken)).complaints
    assert replace(story, published=story.published + lost).complaints


def test_failed_calls_are_compared_with_their_kinds() -> None:
    assert replace(STORY, spending=(LINE,), failures=(Count("timeout", 1),)).complaints == ()
    assert "failed requests 1" in replace(STORY, spending=(LINE,)).complaints[0]


def test_costs_add_up_exactly_and_one_unknown_makes_all_unknown() -> None:
    dimes = replace(STORY, spending=(replace(LINE, cost="0.1"),) * 3)
    assert str(dimes.cost.dollars) == "0.3"
    assert dimes.cost.tokens == 45
    assert replace(STORY, spending=(LINE, replace(LINE, cost=None))).cost.dollars is None


def test_texts_count_words_of_every_script() -> None:
    born = Provenance(stage="seed")
    tasks = [
        Task(
            instruction="Write, please.", instances=(Instance(" ", "Done"),), is_classification=False, provenance=born
        ),
        Task(instruction="写一首诗", instances=(Instance("a b", "c"), Instance("", "")), provenance=born),
        Task(instruction="write it", is_classification=True, provenance=born),
        Task(instruction="!?", provenance=born),
    ]
    assert TextFigures.of(iter(tasks)) == TextFigures(
        tasks=4,
        instances=3,
        instruction=(2, 4, 2, 0),
        input=(2,),
        output=(1, 1, 0),
        first_words=(Count("write", 2), Count("写", 1)),
        empty_inputs=2,
        classification=1,
        undecided=2,
    )


def test_a_large_set_is_counted_whole_and_read_in_part_evenly_and_alike_each_time() -> None:
    born = Provenance(stage="seed")
    tasks = [
        Task(instruction="word " * (at + 1), instances=(Instance("", "a b"),), is_classification=True, provenance=born)
        for at in range(400)
    ]
    texts = TextFigures.of(iter(tasks), most=50)
    assert (texts.tasks, texts.instances, texts.classification, texts.empty_inputs) == (400, 400, 400, 400)
    assert len(texts.instruction) == len(texts.output) == texts.first_words[0].count == 50
    assert texts.sampled
    assert not TextFigures.of(tasks, most=400).sampled
    assert list(texts.instruction) == sorted(set(texts.instruction))  # in their order, none twice
    assert 130 < sum(texts.instruction) / 50 < 270  # of lengths from 1 to 400: from the whole set, not from its start
    assert texts == TextFigures.of(tasks, most=50)


def test_the_page_says_what_it_was_read_from_only_where_that_was_a_sample() -> None:
    whole = TextFigures(tasks=3, instruction=(1, 2, 3))
    assert "drawn with seed" not in page(replace(STORY, machine=whole))
    said = " ".join(page(replace(STORY, machine=replace(whole, tasks=1_000_000))).split())
    assert "a sample, drawn with seed 0: 3 of 1,000,000 published tasks. All else is counted over all." in said
