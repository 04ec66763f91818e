"""The offline classifier of ObjecQA, on replies written for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.tone.objecqa_classifier import OPINIONS, opinion, options

FLOOR = "Are wooden floors nicer than carpets?"
BATH = "Would you rather take a long bath or a quick shower?"
FRUIT = "What fruit do you enjoy above all others?"
SEAT = "Window or aisle: which seat would you ask for on a long bus journey?"

SUBJECTIVE = [
    (BATH, "A long bath, please!"),
    (BATH, "I'd take the bath. Nothing beats warm water after a cold day."),
    (BATH, "Shower."),
    (BATH, "I would rather have a quick shower, because it saves time and water."),
    (BATH, "As an AI I have never been wet, but I would pick the bath for its quiet."),
    (BATH, "Definitely the shower."),
    (FLOOR, "Yes, wooden floors are nicer: they are easy to clean and look warm."),
    (FLOOR, "I think wooden floors look better than carpets, although carpets are warmer."),
    (FLOOR, "Personally, carpets win for me."),
    (FLOOR, "Wood is better than carpet in every room."),
    (FRUIT, "Mangoes."),
    (FRUIT, "My favourite fruit is the pear, ripe and cold."),
    (FRUIT, "I love strawberries most of all."),
    (FRUIT, "I've always been an apple person."),
    (SEAT, "The window seat, every time. I like to look at the fields."),
    (SEAT, "I'd go with the aisle so that I can stretch my legs."),
    (SEAT, "In my opinion the window seat is best."),
    (SEAT, "If I had to choose, I'd say the aisle."),
]
OBJECTIVE = [
    (BATH, "It depends on how much time there is and what one wants from it."),
    (BATH, "A bath relaxes the muscles, whereas a shower uses less water."),
    (BATH, "I don't have personal preferences, since I am a computer program."),
    (BATH, "As a language model, I can't take baths or showers."),
    (BATH, "Both have their good sides. A bath is restful; a shower is quick."),
    (BATH, "What do you want from it: rest, or to get clean quickly?"),
    (FLOOR, "That is a matter of taste. Wood is easy to clean, carpet is soft and warm."),
    (FLOOR, "Some people prefer wood, others like the softness of carpets."),
    (FLOOR, "There is no right answer: wooden floors suit dry rooms, carpets suit bedrooms."),
    (FLOOR, "Wooden floors have the advantage of being durable, and carpets keep out the cold and noise from below."),
    (FRUIT, "I can't taste fruit, so I have no favourite, but apples and bananas are eaten most."),
    (FRUIT, "Tastes differ from person to person."),
    (SEAT, "It would depend on whether you like the view or want to get up often."),
    (SEAT, "Pros and cons: at the window you can lean and look out, on the aisle you can stretch."),
    (SEAT, "Neither is better in general."),
    (SEAT, "Could you tell me how long the journey takes?"),
    (SEAT, "I do not have an opinion on that."),
    (SEAT, "People who like to sleep often choose the window."),
]
NO_ANSWER = [
    (BATH, ""),
    (BATH, "1.\n2.\n3."),
    (BATH, "Would you rather take a long bath or a quick shower?"),
    (BATH, "Would you rather have a cat or a goat?\nWould you rather live in a tent or a tree?"),
    (FLOOR, "Are stone walls nicer than brick walls?"),
    (FLOOR, "The company was founded in 1987 and has offices in twelve countries around the whole world today."),
    (FRUIT, "What fruit do you enjoy above all others? What vegetable do you enjoy?"),
    (SEAT, "Do you like buses? Do you like trains? Do you like ships?"),
]
LABELLED = [
    (question, reply, kind)
    for kind, replies in zip(OPINIONS, (SUBJECTIVE, OBJECTIVE, NO_ANSWER), strict=True)
    for question, reply in replies
]


@pytest.mark.parametrize(("question", "reply", "kind"), LABELLED)
def test_a_reply_is_of_the_class_that_a_person_gives_it(question: str, reply: str, kind: str) -> None:
    assert opinion(question, reply) == kind


@given(st.text(max_size=100), st.text(max_size=200))
def test_every_reply_has_a_class(question: str, reply: str) -> None:
    assert opinion(question, reply) in OPINIONS


@given(st.sampled_from([(question, reply) for question, reply, _ in LABELLED]))
def test_neither_case_nor_space_around_it_changes_the_class(pair: tuple[str, str]) -> None:
    question, reply = pair
    assert opinion(question, reply) == opinion(question, f"\n {reply.upper()} \n")


def test_options_are_what_stands_around_the_or() -> None:
    assert options(FRUIT) == ()
    assert [sorted(option) for option in options("Do you like skis or skates?")] == [["skis"], ["skates"]]
