"""What seeds are about, and what stays on it."""

from collections import Counter
from random import Random

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.formats.seeds import builtin_seeds, read_seeds
from selfinstruct.generate.propose import Propose
from selfinstruct.generate.topic import StayOnTopic, _content, _everyday, _plain_words, _whole, topic_of
from selfinstruct.records import Task
from selfinstruct.stage import Bench, Kept, Measured, Pool, Rejected, Traits
from tests.cli.typed import HOME, lines
from tests.generate.builders import Teller, bench, seed, task

GENERAL = read_seeds(builtin_seeds())
BOATYARD = [
    seed("How often should the hull of a wooden boat be painted?", output="Every spring, after the hull is dry."),
    seed("Write a reminder that the mooring is due.", output="Your mooring is due. Pay at the boatyard by Friday."),
    seed("Explain to an owner why the keel bolts rust.", output="Salt water gets between keel and hull."),
    seed("List what belongs in a toolbox on a sailing boat.", output="A knife, tape, a spare shackle, pliers."),
    seed("Compare teak and plywood for a deck.", output="Teak lasts; plywood is light, and a deck of it is cheap."),
    seed("What does it mean when an engine smokes blue?", output="It burns oil; have the boat lifted out."),
    seed("Describe how to step the mast with two people.", output="One guides the foot of the mast onto the keel."),
    seed("Work out the price of a mooring for 9 m at 40 euros a metre.", output="9 x 40 = 360 euros for the mooring."),
    seed("Answer an owner who complains of the varnish.", output="The varnish was laid in rain; we sand the deck."),
    seed("Name three knots for a mooring line.", output="Bowline, cleat hitch, round turn."),
    seed("Which paint keeps weed off the hull?", output="Antifouling paint, a coat each year."),
    seed("How is a boat lifted out without harm to its keel?", output="In two slings, clear of the keel."),
]


def test_a_trade_is_found_and_its_words_are_those_that_recur() -> None:
    topic = topic_of(BOATYARD, "auto")
    assert topic is not None
    assert {"boat", "hull", "keel", "mooring", "deck", "mast"} & topic.core >= {"boat", "hull", "keel", "mooring"}
    assert not {"the", "write", "price", "list", "water"} & topic.core
    assert topic.telling == ("boat", "hull", "keel", "mooring")
    assert topic.name == "boat, hull, keel and mooring"


def test_general_seeds_have_no_topic() -> None:
    assert topic_of(GENERAL, "auto") is None
    drawn = (Random(number).sample(GENERAL, 12) for number in range(60))
    assert sum(topic_of(seeds, "auto") is not None for seeds in drawn) <= 1


def test_few_seeds_do_not_tell_and_none_is_none() -> None:
    assert topic_of(BOATYARD[:7], "auto") is None
    assert topic_of(BOATYARD, "none") is None
    assert topic_of(BOATYARD, "") is None
    assert topic_of([], "auto") is None


def test_a_topic_that_is_named_has_the_words_of_its_name_and_those_of_the_seeds() -> None:
    topic = topic_of(BOATYARD, "a boatyard: sails, hulls and winter storage")
    assert topic is not None
    assert topic.asked_for(Random(1)) == topic.name == "a boatyard: sails, hulls and winter storage"
    assert {"boatyard", "sail", "storage", "keel"} <= topic.core
    assert "and" not in topic.core
    alone = topic_of([], "chess openings")
    assert alone is not None
    assert alone.core == {"chess", "opening"}
    other = topic_of([seed("Schreib mir etwas.")], "Fahrräder und Luftpumpen")
    assert other is not None
    assert other.found_in("Wie oft prüft man Luftpumpen?") == ("luftpumpen",)


@pytest.mark.parametrize(
    ("instruction", "on"),
    [
        ("How do I clean the hull?", True),
        ("Find boathouses near me.", True),
        ("Is a sailboat dearer than a car?", True),
        ("Which tape and pliers are best?", True),  # two words of the seeds' answers
        ("Which tape is best?", False),
        ("Write a poem about the moon.", False),
        ("Answer a customer who is angry.", False),
    ],
)
def test_a_task_is_on_the_topic_by_a_word_that_recurs_or_two_that_do_not(instruction: str, *, on: bool) -> None:
    topic = topic_of(BOATYARD, "auto")
    assert topic is not None
    assert bool(topic.found_in(instruction)) is on


def test_everyday_words_are_those_of_our_seeds() -> None:
    texts = [{*_content(_whole(seed_task))} for seed_task in GENERAL]
    counts = {word: sum(word in text for text in texts) for word in set().union(*texts)}
    assert _everyday() == {word: count for word, count in counts.items() if count > 1}


def test_plain_words_are_those_that_general_texts_share() -> None:
    texts = [
        " ".join(str(row[key]) for key in ("instruction", "input", "output"))
        for row in lines(HOME / "seeds" / "tone_records.jsonl")
        if row["dataset"] != "tone_smollm2"
    ]
    texts += [str(row["instruction"]) for row in lines(HOME / "seeds" / "ifs_instructions.jsonl")]
    texts += [str(row["question"]) for row in lines(HOME / "seeds" / "objecqa.jsonl")]
    counts = Counter(word for text in texts for word in {*_content(text)})
    assert len(texts) == 2528
    assert _plain_words() == {word for word, count in counts.items() if count >= 8}


POTTERS = [
    seed("A customer's mugs crack at the handle. Explain the likely cause.", output="The soft clay dries too fast."),
    seed("Name the glaze fault that is described.", "Fine cracks show in a bowl after firing.", output="crazing"),
    seed("Write a slow firing schedule for stoneware.", output="100 degrees an hour; keep the kiln shut."),
    seed("Work out how tall the vase that is described is thrown.", "Shrinkage of this clay: 12 %", output="25 cm"),
    seed("Answer a student who missed the wheel class.", "Is my bowl lost?", output="It is still soft."),
    seed(
        "Describe why clay is wedged.", output="Clay that is wedged is even, and a potter tears no wall on the wheel."
    ),
    seed("Decide whether it is dishwasher safe.", "An earthenware plate, fired low", output="no"),
    seed("List tools that a potter needs.", output="Loop tool, needle, rib, brush, wheel"),
    seed("Write a text about the stoneware that is described.", "Plates, ash glaze", output="Plates fired in ash."),
    seed("Give the steps to reclaim clay.", output="Dry it, soak it, spread it until it is soft, and wedge it."),
    seed("Compare earthenware and stoneware.", output="Stoneware is fired hotter, and is safe in the dishwasher."),
    seed("Draft a notice for the pottery's kiln.", output="Hot kiln. Leave the firing to the potter."),
]


@pytest.mark.parametrize(
    ("instruction", "on"),
    [
        ("Explain the likely cause of the damage to a house.", False),
        ("Describe the plastic that is described.", False),
        ("Is it safe to eat soft cheese?", False),
        ("List what a potter wears.", True),
        ("Start a pottery.", True),
        ("How is clay kept from cracking?", True),
        ("Why does glaze crack?", True),
    ],
)
def test_words_that_any_text_may_have_are_no_topic(instruction: str, *, on: bool) -> None:
    topic = topic_of(POTTERS, "auto")
    assert topic is not None
    assert {"clay", "potter", "stoneware"} <= topic.core
    assert not {"safe", "soft", "described", "likely", "cause"} & (topic.core | topic.more)
    assert not {"safe", "soft", "described"} & {*topic.telling}
    assert bool(topic.found_in(instruction)) is on


def staying(*tasks: Task, seeds: list[Task] = BOATYARD, **knobs: str) -> list[object]:
    return list(StayOnTopic(**knobs)(tasks, Bench(pool=Pool(seeds))))  # type: ignore[arg-type]  # literals


def test_the_stage_rejects_what_is_off_and_tells_the_share() -> None:
    on, off, by_input = (
        task("Paint the hull."),
        task("Bake a cake."),
        task("Sum it up.", ("A hull leaks.", "It leaks.")),
    )
    first, second, third, fourth = staying(on, off, by_input)
    assert first == Kept(on, {"on_topic": ["hull"]})
    assert isinstance(second, Rejected)
    assert second.reason == "off_topic"
    assert third == Kept(by_input, {"on_topic": ["hull"]})
    assert isinstance(fourth, Measured)
    assert isinstance(fourth.value, dict)
    assert (fourth.value["on"], fourth.value["of"]) == (2, 3)
    kept = staying(off, off_topic="keep")
    assert kept[0] == Kept(off, {"on_topic": []})
    with pytest.raises(BadInput, match="off_topic"):
        StayOnTopic(off_topic="drop")  # type: ignore[arg-type]  # wrong on purpose


def test_where_there_is_no_topic_all_pass_and_nothing_is_told() -> None:
    tasks = [task("Bake a cake."), task("Paint the hull.")]
    assert staying(*tasks, seeds=[*GENERAL]) == [Kept(task) for task in tasks]
    assert staying(*tasks, topic="none") == [Kept(task) for task in tasks]


@pytest.mark.parametrize(
    "traits",
    [Traits(small=True), Traits(), Traits(completion=False), Traits(completion=False, structured=True)],
    ids=["small", "completion", "chat", "json"],
)
@pytest.mark.parametrize("style", ["self_instruct", "alpaca"])
def test_every_form_of_asking_names_the_topic_and_wants_variety_within_it(traits: Traits, style: str) -> None:
    def asked(**knobs: str) -> str:
        teller = Teller(lambda *_: "1. x", traits)
        list(Propose(style=style, **knobs)([], bench(teller, BOATYARD)))  # type: ignore[arg-type]  # literals
        prompt = teller.asked[0].prompt
        return prompt if isinstance(prompt, str) else prompt[0].content

    assert "about boats in winter" in asked(topic="boats in winter")
    assert any(word in asked().split("\n\n")[0] for word in ("boat", "hull", "keel", "mooring"))
    plain = asked(topic="none")
    assert "about" not in plain.split("\n\n")[0]
    if not traits.small:
        assert "topic" in plain
        assert "topic" not in asked(topic="boats in winter")
    assert "{" not in plain.replace('{"', "")


def test_requests_name_different_words_of_a_topic_that_was_found() -> None:
    teller = Teller(lambda *_: "x", Traits(small=True))
    from selfinstruct.stage import RoundStart

    list(Propose()([], bench(teller, BOATYARD, rounds=(RoundStart(12, 0),))))
    heads = {str(request.prompt).split("\n")[0] for request in teller.asked}
    assert len(heads) > 6


def test_what_drifted_is_not_shown() -> None:
    teller = Teller(lambda *_: "x", Traits(small=True))
    kept = [task("Bake a cake with cream."), task("Varnish the hull of a dinghy.")]
    list(Propose(machine_demonstrations=2)([], bench(teller, BOATYARD, kept)))
    assert "dinghy" in str(teller.asked[0].prompt)
    assert "cake" not in str(teller.asked[0].prompt)
