import io
import re
from dataclasses import replace
from functools import cache
from html import unescape
from html.parser import HTMLParser
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from selfinstruct.records import Instance, Provenance, Task
from selfinstruct.report.page import page, rendered
from selfinstruct.report.record_sections import RoundsSection
from selfinstruct.report.summary import (
    Count,
    PublishedExample,
    RejectedExample,
    RoundCount,
    RunSummary,
    Spending,
    StageCount,
    TextFigures,
)

_VOID = {"meta", "br", "hr", "img", "link", "input"}
_LOADING = {"src", "srcset", "poster", "data", "action", "background"}


class Reader(HTMLParser):
    """Reads a page as a browser would, and complains about what is not well nested."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.text = io.StringIO()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not (self.open and self.open[-1] == "style"):
            self.text.write(data)

    def _seen(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            assert not name.startswith("on"), f"{name} would run a script"
            if name in _LOADING or (name in {"href", "xlink:href"} and not (value or "").startswith("#")):
                self.loads.append(f"{tag} {name}={value}")


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def machine_tasks(random: Random, count: int) -> list[Task]:
    verbs = ["write", "explain", "give", "find", "make", "describe", "list", "classify", "summarize", "rewrite", "name"]
    verbs += ["suggest", "translate", "compare", "identify", "plan", "calculate", "draft", "sort", "convert", "invent"]
    verbs += ["judge", "correct", "complete", "answer"]
    weights = [1 / (rank + 1.5) for rank in range(len(verbs))]
    tasks = []
    for number in range(count):
        verb = random.choices(verbs, weights)[0].title()
        rest = " word" * max(2, int(random.lognormvariate(2.5, 0.45)))
        entered = "" if random.random() < 0.44 else "in " * max(1, int(random.lognormvariate(2.6, 0.9)))
        output = "out " * max(1, int(random.lognormvariate(2.9, 0.9)))
        tasks.append(
            Task(
                instruction=verb + rest,
                instances=(Instance(entered, output),),
                is_classification=random.random() < 0.21,
                provenance=Provenance(stage="instances", request=f"r{number}"),
            )
        )
    return tasks


def realistic(seed: int = 7) -> RunSummary:
    """A run of the size of the quickstart times five, with sums that close."""
    random = Random(seed)
    rounds = []
    for number in range(1, 19):
        near = [min(1.0, max(0.0, random.gauss(0.36 + 0.006 * number, 0.15))) for _ in range(88)]
        kept = tuple(value for value in near if value <= 0.7)
        gone = tuple(value for value in near if value > 0.7) + (1.0,) * random.randint(2, 5 + number)
        candidates = len(kept) + len(gone) + 21
        rounds.append(
            RoundCount(
                number=number,
                requests=32,
                candidates=candidates,
                kept=len(kept) - 30,
                nearest_kept=kept,
                nearest_rejected=gone,
            )
        )
    made = sum(round_.candidates for round_ in rounds)
    alike = sum(len(round_.nearest_rejected) for round_ in rounds)
    new = sum(len(round_.nearest_kept) for round_ in rounds)
    lost, published = 30 * 18, sum(round_.kept for round_ in rounds)
    instructions = (
        Count("too_short", 190),
        Count("starts_with_punctuation", 21),
        Count("mentions_image", 30),
        Count("not_english_start", 9),
        Count("too_long", made - alike - new - 190 - 21 - 30 - 9),
    )
    instances = (
        Count("no_output", 101),
        Count("output_repeats_input", 88),
        Count("same_input_twice", 60),
        Count("beyond_target", lost - 101 - 88 - 60 - 14),
    )
    tasks = machine_tasks(random, published)
    return RunSummary(
        name="quickstart",
        fingerprint="9f31c2d07ab4",
        version="0.1.0",
        models=("embedded",),
        seeds=180,
        target=published,
        published=published,
        stopped_because="every task asked for was published",
        stages=(
            StageCount(name="propose", received=made, kept=made),
            StageCount(name="filter", received=made, kept=alike + new, rejected=instructions),
            StageCount(name="novelty", received=alike + new, kept=new, rejected=(Count("too_similar", alike),)),
            StageCount(name="classify", received=new, kept=new),
            StageCount(name="instances", received=new, kept=published, rejected=instances, failed=14),
        ),
        rounds=tuple(rounds),
        threshold=0.7,
        machine=TextFigures.of(tasks),
        human=TextFigures.of(machine_tasks(random, 180)),
        finish_reasons=(Count("stop", 5210), Count("length", 411), Count("", 12)),
        failures=(Count("timeout", 11), Count("server_error", 5)),
        spending=(
            Spending(
                stage="propose",
                model="embedded",
                requests=576,
                failed=2,
                prompt_tokens=172_800,
                completion_tokens=310_233,
                cost="0",
            ),
            Spending(
                stage="instances",
                model="openai:small-and-fast",
                requests=1400,
                failed=14,
                prompt_tokens=520_800,
                completion_tokens=95_310,
                estimated=True,
                cost="0.1353",
            ),
        ),
        published_examples=tuple(
            PublishedExample(
                id=task.id,
                instruction=instruction,
                input=entered,
                output=output,
                nearest="Suggest three names for a bakery that only opens at night.",
                rouge_l=0.41,
            )
            for task, (instruction, entered, output) in zip(tasks, _READABLE, strict=False)
        ),
        rejected_examples=(
            RejectedExample(
                id="f" * 64,
                stage="novelty",
                reason="too_similar",
                text="Suggest five names for a bakery that only opens at night.",
                nearest="Suggest three names for a bakery that only opens at night.",
                rouge_l=0.9091,
            ),
            RejectedExample(id="e" * 64, stage="filter", reason="too_short", text="Write it.", evidence="2 words"),
            RejectedExample(
                id="d" * 64, stage="filter", reason="mentions_image", text="Draw an image\x1b[31m of a \u202egod\u202c."
            ),
            RejectedExample(
                id="c" * 64, stage="instances", reason="no_output", text="Plan a week of dinners for two people. " * 20
            ),
        ),
        command="selfinstruct run pipelines/quickstart.yaml -o runs/quickstart",
        recipe="name: quickstart\nseed: 42\nstages:\n  - novelty: {rouge_l_above: 0.7}  # <the paper's>\n",
    )


_READABLE = (
    (
        "Write a polite note that asks a neighbour to turn the music down after ten.",
        "",
        "Dear neighbour, the walls are thin and I get up at five. Could you keep the music low after ten? Thank you!",
    ),
    ("Is this review positive, negative or mixed?", "The soup was cold, the waiter was lovely.", "mixed"),
    (
        "Turn the list into a table with two columns.",
        "apples 3\npears 5\nplums 12",
        "| fruit | count |\n|---|---|\n| apples | 3 |\n| pears | 5 |\n| plums | 12 |",
    ),
    ("把下面的句子改写成更正式的语气。", "明天别迟到了。", "请您明日准时到达。"),
    ("اكتب جملة عن البحر.", "", "البحر هادئ هذا الصباح."),
    ("Explain to a child why the moon changes its shape.", "", "The moon is lit by the sun from one side. " * 24),
    ("Give three reasons to keep bees on a city roof 🐝.", "", "1. Flowers nearby.\n2. Little spraying.\n3. Honey."),
    ("Find the error in this program.", 'if (a = 1) { puts("<one>"); }', "It assigns instead of comparing: use ==."),
    ("Name a river in Scotland.", "", "The Tay."),
    ("Suggest a title for a talk about old maps.", "", "Here be corrections"),
)


@cache
def drawn() -> str:
    """The realistic page, made once for all tests that only read it."""
    return page(realistic())


def realistic_examples() -> RunSummary:
    """Only the cards: quick, since nothing is drawn."""
    story = realistic()
    return replace(
        empty(), published_examples=story.published_examples[:1], rejected_examples=story.rejected_examples[:1]
    )


def empty() -> RunSummary:
    return RunSummary(
        name="nothing",
        fingerprint="0",
        version="0",
        models=(),
        seeds=0,
        target=None,
        published=0,
        stopped_because="no record came in",
    )


def test_a_page_is_well_nested_and_has_all_its_charts() -> None:
    reader = read(drawn())
    assert reader.tags.count("svg") == 11
    assert reader.tags.count("h1") == 1
    assert reader.tags.count("article") == 14
    assert "Nothing to draw" not in reader.text.getvalue()


def test_the_same_story_gives_the_same_bytes() -> None:
    assert page(realistic()) == drawn()


def test_a_page_loads_nothing_and_runs_nothing() -> None:
    html = drawn()
    reader = read(html)
    assert reader.loads == []
    assert not {"script", "link", "iframe", "img", "object", "embed", "image"} & set(reader.tags)
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_no_two_charts_share_an_id_and_every_reference_finds_one() -> None:
    html = drawn()
    ids = read(html).ids
    assert len(ids) == len(set(ids))
    referred = re.findall(r"url\(#([^)]+)\)", html) + re.findall(r'href="#([^"]+)"', html)
    assert set(referred) <= set(ids)


def test_every_chart_can_be_read_aloud() -> None:
    for svg in re.findall(r"<svg[^>]*>.{0,30}", drawn()):
        assert 'role="img"' in svg
        assert re.search(r'aria-label="[^"]{20,}"', svg)
        assert "<title>" in svg


def test_a_page_is_small() -> None:
    assert len(drawn().encode()) < 300_000
    many = replace(
        realistic(), rounds=tuple(replace(round_, number=turn) for turn, round_ in enumerate(realistic().rounds * 40))
    )
    assert len(page(many).encode()) < 300_000


def test_the_sums_shown_close() -> None:
    said = read(drawn()).text.getvalue()
    match = re.search(r"([\d,]+) candidates = ([\d,]+) published \+ ([\d,]+) rejected \+ ([\d,]+) failed\.", said)
    assert match
    whole, *parts = (int(part.replace(",", "")) for part in match.groups())
    assert whole == sum(parts)
    match = re.search(r"([\d,]+) requests = ([\d,]+) answered \+ ([\d,]+) failed\.", said)
    assert match
    whole, *parts = (int(part.replace(",", "")) for part in match.groups())
    assert whole == sum(parts)


def test_sums_that_do_not_close_are_said_out_loud() -> None:
    story = realistic()
    broken = replace(story, stages=(*story.stages[:-1], replace(story.stages[-1], kept=3)))
    said = read(page(broken)).text.getvalue()
    assert "The sums do not close." in said
    assert "every one accounted for" not in said
    assert "candidates =" not in said


def test_a_run_stopped_in_the_middle_tells_what_was_not_looked_at() -> None:
    story = replace(
        empty(),
        target=9,
        published=2,
        stages=(StageCount(name="propose", received=9, kept=7, rejected=(Count("too_short", 2),)),
                StageCount(name="novelty", received=2, kept=2)),
    )  # fmt: skip
    said = read(page(story)).text.getvalue()
    assert "9 candidates = 2 published + 2 rejected + 5 not looked at yet." in said
    assert "7 short of 9" in said


def test_nothing_at_all_still_makes_a_page() -> None:
    reader = read(page(empty()))
    said = reader.text.getvalue()
    assert said.count("Nothing to draw") >= 8
    assert "svg" not in reader.tags
    assert "0 tasks published" in said


def test_an_unknown_price_is_never_zero() -> None:
    story = realistic()
    said = read(
        page(replace(story, spending=(story.spending[0], replace(story.spending[1], cost=None))))
    ).text.getvalue()
    assert re.search(r"Cost\s*unknown", said)
    assert re.search(r"Cost per task\s*unknown", said)


HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; color: url(https://evil.example/x)",
    "</style></title></svg><b>",
    "<!-- ]]> &lt;&#0;&amp",
    "\u202egnp.exe\u2066",
    "\x00\x07\x1b[2J\x1f\x7f\x85\u2028",
    "\ud800 alone \udfff",
    "$\\frac{1}{0}$ $x",
    "\ufeff\ufffe\U000e0041",
    "${name} {0} %s",
)
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ufffe\ud800-\udfff]")


def test_no_text_of_a_run_can_leave_its_place() -> None:
    tame, wild = (page(_with_every_text(realistic(), text)) for text in ("x", "".join(HOSTILE)))
    expected, hostile = read(tame), read(wild)
    assert _apart_from_marks(hostile.tags) == _apart_from_marks(expected.tags)
    assert len(hostile.ids) == len(set(hostile.ids)) == len(expected.ids)
    assert hostile.loads == []
    assert not _INVISIBLE.search(wild)
    assert wild.encode("utf-8")


@settings(max_examples=30, deadline=None)
@given(st.one_of(st.text(), st.sampled_from(HOSTILE)))
def test_no_example_can_leave_its_card(text: str) -> None:
    story = _with_every_text(realistic_examples(), text)
    html = page(story)
    assert read(html).tags.count("article") == 2
    assert not _INVISIBLE.search(html)


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=80))
def test_visible_text_is_shown_as_it_is(text: str) -> None:
    story = replace(empty(), published_examples=(PublishedExample(id="1", instruction=text, input="", output=""),))
    match = re.search(r'<p class="text said" dir="auto">(.*?)</p>', page(story), re.DOTALL)
    assert match
    assert unescape(match.group(1)) == text


def _apart_from_marks(tags: list[str]) -> list[str]:
    """A hidden character and a cut add a span, nothing else."""
    return [tag for tag in tags if tag != "span"]


def _with_every_text(story: RunSummary, text: str) -> RunSummary:
    """The story with one text in every place that takes any."""

    def spoiled(counts: tuple[Count, ...]) -> tuple[Count, ...]:
        return tuple(replace(count, name=f"{text}{place}") for place, count in enumerate(counts))

    published, turned = story.published_examples[0], story.rejected_examples[0]
    return replace(
        story,
        name=text,
        fingerprint=text,
        version=text,
        stopped_because=text,
        command=text,
        recipe=text,
        models=(text, text),
        stages=tuple(replace(stage, name=text, rejected=spoiled(stage.rejected)) for stage in story.stages),
        machine=replace(story.machine, first_words=spoiled(story.machine.first_words)),
        finish_reasons=spoiled(story.finish_reasons),
        failures=spoiled(story.failures),
        spending=tuple(replace(line, stage=text, model=text) for line in story.spending),
        published_examples=(replace(published, id=text, instruction=text, input=text, output=text, nearest=text),),
        rejected_examples=(replace(turned, id=text, stage=text, reason=text, text=text, nearest=text, evidence=text),),
    )


def test_how_far_proposals_drifted_is_said_and_nothing_where_there_is_no_topic() -> None:
    rounds = tuple(
        RoundCount(number=turn, requests=1, candidates=10, kept=on, on_topic=on, told_of_topic=10)
        for turn, on in ((1, 8), (2, 5))
    )
    story = RunSummary(
        name="boats",
        fingerprint="f",
        version="1",
        models=(),
        seeds=12,
        target=13,
        published=13,
        stopped_because="the target is reached",
        rounds=rounds,
        topic="hulls and <keels>",
    )
    shown = rendered("rounds.html.jinja", part=RoundsSection.of(story))
    assert "Of 20 proposals, 13 (65 %) kept to the topic" in shown
    assert "hulls and &lt;keels&gt;" in shown
    assert "80 % in the first round, 50 % in the last" in shown
    assert "proposals," not in rendered("rounds.html.jinja", part=RoundsSection.of(replace(story, topic="")))
