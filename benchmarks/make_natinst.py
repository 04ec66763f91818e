"""Makes `seeds/natinst.jsonl`: our own tasks in the NatInst layout, each answer right by construction.

Definitions are written by hand; instances are drawn from word lists by a rule of each task, so that no answer rests on
anybody's judgement. The same file every time:

    python -m benchmarks.make_natinst seeds/natinst.jsonl
"""

# ruff: noqa: E501 - sentences

import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.natinst_words import (
    ANIMALS,
    CAPITALS,
    CAUSES,
    CITIES,
    COMPARATIVES,
    CONTINENTS,
    FINE,
    FOODS,
    FRUIT,
    GOODS,
    HOUSEHOLD,
    INSTRUMENTS,
    IRREGULAR,
    JOBS,
    LIVING,
    MONTHS,
    NAMES,
    NUMBER_WORDS,
    OPPOSITES,
    PALINDROMES,
    PLAIN,
    PLURALS,
    POOR,
    SPEECH,
    TALKING,
    UNITS,
    VERBS,
)

INSTANCES, SHOWN = 20, 2
Pair = tuple[str, str] | tuple[str, tuple[str, ...]]
Task = dict[str, Any]


def chance(name: str) -> Random:
    """Of each task its own, so that one more changes no other."""
    return Random(name)


def written(name: str, category: str, definition: str, pairs: Sequence[Pair], wrong: Sequence[tuple[str, str]]) -> Task:
    """The object of a task; the first pairs are its positive examples."""
    seen = dict.fromkeys(put for put, _ in pairs)
    assert len(seen) == len(pairs) == INSTANCES + SHOWN, (name, len(seen), len(pairs))
    assert len(wrong) == SHOWN, name
    assert not {put for put, _ in wrong} & set(list(seen)[SHOWN:]), name
    return {
        "Name": name,
        "Categories": [category],
        "Definition": [definition],
        "Positive Examples": [{"input": put, "output": _first(said)} for put, said in pairs[:SHOWN]],
        "Negative Examples": [{"input": put, "output": said} for put, said in wrong],
        "Instances": [
            {"input": put, "output": [said] if isinstance(said, str) else list(said)} for put, said in pairs[SHOWN:]
        ],
    }


def _first(said: str | tuple[str, ...]) -> str:
    return said if isinstance(said, str) else said[0]


def labelled(name: str, category: str, definition: str, by_label: Mapping[str, Sequence[str]]) -> Task:
    """A task with labels, as even as can be; its negative examples are its positive ones under another label."""
    draw, labels = chance(name), list(by_label)
    pools = {label: draw.sample(list(dict.fromkeys(texts)), len(set(texts))) for label, texts in by_label.items()}
    pairs: list[Pair] = [(pools[label].pop(), label) for label in (labels * (INSTANCES + SHOWN))[: INSTANCES + SHOWN]]
    head, rest = pairs[:SHOWN], pairs[SHOWN:]
    draw.shuffle(rest)
    wrong = [(put, labels[(labels.index(_first(said)) + 1) % len(labels)]) for put, said in head]
    return written(name, category, definition, [*head, *rest], wrong)


def free(
    name: str, category: str, definition: str, pairs: Sequence[Pair], spoil: Callable[[str, str], str] | None = None
) -> Task:
    """A task for free text; its negative examples are its positive ones, spoilt or exchanged."""
    drawn = chance(name).sample(list(pairs), INSTANCES + SHOWN)
    (example, first), (other, second) = drawn[:SHOWN]
    if spoil is None:
        wrong = [(example, _first(second)), (other, _first(first))]
    else:
        wrong = [(put, spoil(put, _first(said))) for put, said in drawn[:SHOWN]]
    assert all(a != _first(b) for (_, a), (_, b) in zip(wrong, drawn, strict=False)), name
    return written(name, category, definition, drawn, wrong)


def numbers(name: str, low: int, high: int, count: int = 60) -> list[int]:
    """Different ones, in an order of chance."""
    return chance(f"{name} numbers").sample(range(low, high), min(count, high - low))


def sentences(name: str, made: Callable[[str, str, str], str], count: int = 40) -> list[str]:
    """Each of a name, a city and a food or job, as `made` says."""
    draw = chance(f"{name} sentences")
    unique: dict[str, None] = {}
    while len(unique) < count:
        unique[made(draw.choice(NAMES), draw.choice(CITIES), draw.choice(FOODS))] = None
    return list(unique)


def classification() -> Iterator[Task]:
    """Thirty tasks of two to five labels."""
    two = numbers("even", 10, 999)
    yield labelled(
        "even_or_odd",
        "Number Properties",
        "You are given a whole number. Answer 'even' if it can be divided by two without a rest, and 'odd' otherwise.",
        {"even": [str(n) for n in two if n % 2 == 0], "odd": [str(n) for n in two if n % 2]},
    )
    three = numbers("three", 30, 400, 150)
    yield labelled(
        "divisible_by_three",
        "Number Properties",
        "The input is a whole number. Say 'yes' if three divides it without a rest; say 'no' if there is a rest.",
        {"yes": [str(n) for n in three if n % 3 == 0], "no": [str(n) for n in three if n % 3]},
    )
    prime = [n for n in range(2, 200) if all(n % d for d in range(2, n))]
    yield labelled(
        "prime_or_composite",
        "Number Properties",
        "You get a whole number above one. Decide whether it is 'prime' (only one and itself divide it) or 'composite'.",
        {"prime": [str(n) for n in prime], "composite": [str(n) for n in range(4, 120) if n not in prime]},
    )
    pairs = [(a, b) for a in numbers("greater a", 100, 900, 30) for b in numbers("greater b", 100, 900, 4)]
    yield labelled(
        "which_is_greater",
        "Number Comparison",
        "You are given two different numbers. Answer 'first' if the number that comes first is the greater one, and "
        "'second' if the other one is.",
        {
            "first": [f"{a}, {b}" for a, b in pairs if a > b],
            "second": [f"{a}, {b}" for a, b in pairs if a < b],
        },
    )
    sums = [(a, b) for a in numbers("sums a", 2, 60, 25) for b in numbers("sums b", 2, 60, 3)]
    yield labelled(
        "check_the_sum",
        "Number Comparison",
        "You are shown an addition with its result. Reply 'true' where the result is right and 'false' where it is not.",
        {
            "true": [f"{a} + {b} = {a + b}" for a, b in sums],
            "false": [f"{a} + {b} = {a + b + 1 + a % 3}" for a, b in sums],
        },
    )
    signs = numbers("signs", 1, 500, 60)
    yield labelled(
        "sign_of_a_difference",
        "Number Comparison",
        "Given a subtraction of two numbers, work out whether the result is 'positive', 'negative' or 'zero'.",
        {
            "positive": [f"{a + b} - {b}" for a, b in zip(signs[:20], signs[20:40], strict=True)],
            "negative": [f"{b} - {a + b}" for a, b in zip(signs[:20], signs[20:40], strict=True)],
            "zero": [f"{a} - {a}" for a in signs[40:]],
        },
    )
    vowel = [word for word in PLAIN if word[0] in "aeiou"]
    yield labelled(
        "first_letter",
        "Word Form",
        "The input is one English word. Look at its first letter only and answer 'vowel' or 'consonant'.",
        {"vowel": vowel, "consonant": [word for word in PLAIN if word[0] not in "aeiou"]},
    )
    yield labelled(
        "palindrome",
        "Word Form",
        "You are given a word. Answer 'yes' if it reads the same from its end to its beginning, and 'no' if it does not.",
        {"yes": PALINDROMES, "no": [word for word in PLAIN if word != word[::-1]]},
    )
    yield labelled(
        "double_letter",
        "Word Form",
        "You will be given a word. Say 'double' if somewhere in it a letter stands twice in a row, and 'single' if none "
        "does.",
        {
            "double": [word for word in PLAIN if _doubled(word)],
            "single": [word for word in PLAIN if not _doubled(word)],
        },
    )
    ordered = [(a, b) for a, b in zip(PLAIN[:60], PLAIN[60:], strict=False) if a != b]
    yield labelled(
        "alphabetical_order",
        "Word Comparison",
        "You are given two words. Reply 'in order' if the first one stands before the second one in a dictionary; else "
        "reply 'out of order'.",
        {
            "in order": [f"{min(pair)}, {max(pair)}" for pair in ordered[::2]],
            "out of order": [f"{max(pair)}, {min(pair)}" for pair in ordered[1::2]],
        },
    )
    longer = [(a, b) for a, b in zip(PLAIN[:60], PLAIN[60:], strict=False)]
    yield labelled(
        "longer_word",
        "Word Comparison",
        "Compare the number of letters of the two words in the input. Answer 'left' if the left word has more letters, "
        "'right' if the right one has more, and 'same' if they have equally many.",
        {
            "left": [f"{a} {b}" for a, b in longer if len(a) > len(b)],
            "right": [f"{a} {b}" for a, b in longer if len(a) < len(b)],
            "same": [f"{a} {b}" for a in PLAIN[:20] for b in PLAIN[20:50] if len(a) == len(b)][:30],
        },
    )
    yield labelled(
        "singular_or_plural",
        "Word Form",
        "You are given a noun. Decide whether it is 'singular' (one thing) or 'plural' (several things).",
        {"singular": [singular for singular, _ in PLURALS[:24]], "plural": [many for _, many in PLURALS[24:]]},
    )
    yield labelled(
        "kind_of_animal",
        "Word Meaning",
        "The input names an animal. Answer with its group: 'mammal', 'bird', 'fish', 'insect' or 'reptile'.",
        ANIMALS,
    )
    yield labelled(
        "continent_of_a_country",
        "World Knowledge",
        "You are given the name of a country. Answer with the continent that it lies in: Africa, Asia, Europe or South "
        "America.",
        CONTINENTS,
    )
    yield labelled(
        "kind_of_instrument",
        "Word Meaning",
        "The input is a musical instrument. Say whether it belongs to the 'string', 'wind' or 'percussion' instruments.",
        INSTRUMENTS,
    )
    yield labelled(
        "fruit_or_vegetable",
        "Word Meaning",
        "You are given something that grows. As a cook would, call it a 'fruit' or a 'vegetable'.",
        FRUIT,
    )
    yield labelled(
        "what_a_unit_measures",
        "World Knowledge",
        "You will be given an amount with its unit. Answer with what the unit measures: 'length', 'weight', 'time' or "
        "'volume'.",
        {kind: [f"{n} {unit}" for unit in units for n in (3, 12, 40)] for kind, units in UNITS.items()},
    )
    yield labelled(
        "living_or_not",
        "Word Meaning",
        "The input names something. Answer 'alive' if it is a living thing, such as a plant or an animal, and 'not "
        "alive' if it is none.",
        LIVING,
    )
    yield labelled(
        "where_it_belongs",
        "Word Meaning",
        "You are given a thing of a household. Sort it into one of these groups: 'clothing', 'furniture', 'tool' or "
        "'kitchen'.",
        HOUSEHOLD,
    )
    yield labelled(
        "season_of_a_month",
        "World Knowledge",
        "You get a date. Answer with the season that its month belongs to in Europe: 'spring' (March to May), 'summer' "
        "(June to August), 'autumn' (September to November) or 'winter' (December to February).",
        {
            season: [f"{day} {month}" for month in months for day in (4, 9, 17, 26)]
            for season, months in zip(
                ("winter", "spring", "summer", "autumn"), _quarters([MONTHS[-1], *MONTHS[:-1]]), strict=True
            )
        },
    )
    yield labelled(
        "part_of_the_day",
        "World Knowledge",
        "You are given a time on the 24-hour clock. Call it 'morning' from 06:00 to 11:59, 'afternoon' from 12:00 to "
        "17:59, 'evening' from 18:00 to 21:59, and 'night' at any other time.",
        {
            name: [f"{hour:02}:{minute:02}" for hour in hours for minute in (5, 20, 35, 50)]
            for name, hours in (
                ("morning", range(6, 12)),
                ("afternoon", range(12, 18)),
                ("evening", range(18, 22)),
                ("night", (22, 23, 0, 1, 2, 3, 4, 5)),
            )
        },
    )
    yield labelled(
        "opinion_of_a_product",
        "Sentiment Analysis",
        "You are given a sentence from a review. Reply 'positive' if its writer is pleased with what was bought and "
        "'negative' if not.",
        {
            "positive": [f"The {thing} is {word}, and I would buy it again." for thing in GOODS for word in FINE],
            "negative": [f"The {thing} is {word}, and I want my money back." for thing in GOODS for word in POOR],
        },
    )
    yield labelled(
        "tense_of_a_sentence",
        "Sentence Form",
        "Read the sentence in the input and answer with the tense of its verb: 'past', 'present' or 'future'.",
        {
            "past": sentences("past", lambda who, city, food: f"{who} bought {food} in {city}."),
            "present": sentences("present", lambda who, city, food: f"{who} buys {food} in {city}."),
            "future": sentences("future", lambda who, city, food: f"{who} will buy {food} in {city}."),
        },
    )
    yield labelled(
        "kind_of_sentence",
        "Sentence Form",
        "You are given a sentence without its final mark. Answer 'question' if it asks something, 'command' if it tells "
        "somebody to do something, and 'statement' if it says that something is so.",
        {
            "question": sentences("ask", lambda who, city, food: f"Does {who} sell {food} in {city}"),
            "command": sentences("tell", lambda who, city, food: f"Bring {who} some {food} from {city}"),
            "statement": sentences("say", lambda who, city, food: f"{who} sells {food} in {city}"),
        },
    )
    yield labelled(
        "negated_or_not",
        "Sentence Form",
        "You are given a sentence. Say 'affirmed' where it says that something is so, and 'negated' where it says that "
        "something is not so.",
        {
            "affirmed": sentences("is", lambda who, city, food: f"{who} likes the {food} of {city}."),
            "negated": sentences("not", lambda who, city, food: f"{who} does not like the {food} of {city}."),
        },
    )
    yield labelled(
        "active_or_passive",
        "Sentence Form",
        "The input is a sentence. Answer 'active' if its subject does what the verb says, and 'passive' if it is done to "
        "the subject.",
        {
            "active": sentences("does", lambda who, city, food: f"{who} sold the {food} in {city}."),
            "passive": sentences("done", lambda who, city, food: f"The {food} was sold by {who} in {city}."),
        },
    )
    yield labelled(
        "taller_than",
        "Textual Entailment",
        "You are given two facts and a claim. Answer 'follows' if the facts make the claim true, 'contradicts' if they "
        "make it false, and 'open' if they leave it undecided.",
        _taller(),
    )
    yield labelled(
        "cause_or_effect",
        "Cause Effect Classification",
        "You are given two events, A and B. One brought about the other. Reply 'A' if A is the cause, and 'B' if B is.",
        {
            "A": [f"A: {cause} B: {effect}" for cause, effect in CAUSES[::2]],
            "B": [f"A: {effect} B: {cause}" for cause, effect in CAUSES[1::2]],
        },
    )
    yield labelled(
        "dialogue_act",
        "Dialogue Act Recognition",
        "You are given one turn of a talk. Name what it does: 'greeting', 'thanks', 'apology', 'question' or 'request'.",
        TALKING,
    )
    yield labelled(
        "answerable",
        "Answerability Classification",
        "You are given a sentence and a question. Reply 'yes' if the sentence tells the answer, and 'no' if it does not.",
        {
            "yes": sentences("told", lambda who, city, food: f"{who} eats {food} in {city}. Where does {who} eat?"),
            "no": sentences("untold", lambda who, city, food: f"{who} eats {food} in {city}. How old is {who}?"),
        },
    )


def generation() -> Iterator[Task]:
    """Thirty tasks for free text."""
    words = [word for word in PLAIN if word != word[::-1]]
    yield free(
        "reverse_a_word",
        "Word Form",
        "You are given a word. Write its letters from the last to the first.",
        [(word, word[::-1]) for word in words],
        lambda put, said: put[1:] + put[0],  # noqa: ARG005 - as others have it
    )
    yield free(
        "capital_letters",
        "Word Form",
        "Write the words of the input in capital letters, and change nothing else.",
        [(f"{a} {b}", f"{a} {b}".upper()) for a, b in zip(words, words[40:], strict=False)],
        lambda put, said: put.title(),  # noqa: ARG005
    )
    yield free(
        "without_vowels",
        "Word Form",
        "You are given a word. Leave out each a, e, i, o and u, and write what remains.",
        [(word, left) for word in words if len(left := "".join(c for c in word if c not in "aeiou")) > 2],
        lambda put, said: put,  # noqa: ARG005
    )
    yield free(
        "sort_words",
        "Sorting",
        "You are given a list of words. Write them in the order of the alphabet, with commas between them.",
        _lists("sort words", words, lambda items: ", ".join(sorted(items))),
        lambda put, said: ", ".join(reversed(said.split(", "))),  # noqa: ARG005
    )
    yield free(
        "sort_numbers",
        "Sorting",
        "The input is a list of numbers. Write them from the smallest to the largest, with commas between them.",
        _lists("sort numbers", [str(n) for n in range(10, 99)], lambda items: ", ".join(sorted(items))),
        lambda put, said: ", ".join(reversed(said.split(", "))),  # noqa: ARG005
    )
    yield free(
        "last_word",
        "Extraction",
        "You are given a sentence. Answer with its last word alone, without the full stop.",
        [(f"{who} went home with the {word}.", word) for who, word in zip(NAMES, GOODS + words, strict=False)],
        lambda put, said: put.split()[0],  # noqa: ARG005
    )
    added = list(zip(numbers("add a", 11, 300), numbers("add b", 11, 300), strict=True))
    yield free(
        "add",
        "Arithmetic",
        "You are given two numbers. Answer with their sum.",
        [(f"{a} and {b}", str(a + b)) for a, b in added],
        lambda put, said: str(int(said) + 10),  # noqa: ARG005
    )
    yield free(
        "subtract",
        "Arithmetic",
        "You are given two numbers. Take the second from the first and answer with what is left.",
        [(f"{a + b} and {b}", str(a)) for a, b in added],
        lambda put, said: put.split()[-1] + "1",  # noqa: ARG005
    )
    yield free(
        "change_given_back",
        "Arithmetic",
        "You are told what something costs and how much was paid. Answer with the change in coins, as a number alone.",
        [(f"It costs {a} coins. {a + b} coins are paid.", str(b)) for a, b in added],
        lambda put, said: put.split()[2],  # noqa: ARG005
    )
    yield free(
        "hours_to_minutes",
        "Arithmetic",
        "The input is a number of hours. Answer with the number of minutes that this is.",
        [(f"{n} hours", str(60 * n)) for n in range(2, 60)],
        lambda put, said: str(int(said) * 60),  # noqa: ARG005
    )
    yield free(
        "digits_to_words",
        "Number Form",
        "You are given a number in digits. Write it in English words.",
        [(str(n), word) for n, word in NUMBER_WORDS.items()],
    )
    yield free(
        "words_to_digits",
        "Number Form",
        "You are given a number in English words. Write it in digits.",
        [(word, str(n)) for n, word in NUMBER_WORDS.items()],
    )
    yield free(
        "roman_numerals",
        "Number Form",
        "The input is a whole number below one hundred. Write it as a Roman numeral.",
        [(str(n), _roman(n)) for n in range(4, 99)],
    )
    yield free(
        "plural_form",
        "Word Form",
        "You are given a noun in the singular. Answer with its plural.",
        PLURALS,
    )
    yield free(
        "past_form",
        "Word Form",
        "You are given a verb. Answer with its simple past.",
        IRREGULAR,
    )
    yield free(
        "comparative",
        "Word Form",
        "You are given an adjective. Answer with the form that is used to compare two things.",
        COMPARATIVES,
    )
    yield free(
        "opposite_word",
        "Word Meaning",
        "You are given a word. Answer with the word that means the opposite.",
        OPPOSITES,
    )
    yield free(
        "capital_city",
        "World Knowledge",
        "The input is a country. Name its capital.",
        CAPITALS,
    )
    yield free(
        "word_analogy",
        "Word Analogy",
        "Two words that belong together are followed by a third word. Answer with the word that belongs to the third as "
        "the second belongs to the first.",
        [(f"{a} : {b}. {c} : ?", d) for (a, b), (c, d) in itertools.pairwise(OPPOSITES)],
        lambda put, said: put.split()[2].rstrip("."),  # noqa: ARG005
    )
    people = list(zip(NAMES, JOBS, CITIES, strict=False))
    yield free(
        "person_in_a_sentence",
        "Data to Text",
        "You are given a person's name, work and city as fields. Write one sentence that says all three.",
        [
            (
                f"name: {who}; work: {job}; city: {city}",
                (f"{who} is a {job} in {city}.", f"{who} works as a {job} in {city}."),
            )
            for who, job, city in people
        ],
    )
    yield free(
        "fields_from_a_sentence",
        "Extraction",
        "You are given a sentence about a person. Write the name, the work and the city, in this order, with commas "
        "between them.",
        [(f"In {city}, {who} earns a living as a {job}.", f"{who}, {job}, {city}") for who, job, city in people],
        lambda put, said: ", ".join(reversed(said.split(", "))),  # noqa: ARG005
    )
    yield free(
        "title_of_a_notice",
        "Title Generation",
        "You are given a short notice. Write a title for it: what is offered, and where.",
        [
            (
                f"On Saturday {who} will teach everybody who comes how to cook {food}. We meet in {city} at noon.",
                (f"Cooking {food} in {city}", f"Learn to cook {food} in {city}"),
            )
            for who, food, city in zip(NAMES, FOODS * 3, CITIES, strict=False)
        ],
    )
    yield free(
        "ask_where",
        "Question Rewriting",
        "You are given a sentence that says where somebody does something. Rewrite it as a question that asks for the "
        "place.",
        [
            (f"{who} {does} in {city}.", f"Where does {who} {do}?")
            for who, city, (do, does) in zip(NAMES, CITIES, VERBS * 4, strict=False)
        ],
        lambda put, said: f"{put[:-1]}?",  # noqa: ARG005
    )
    yield free(
        "mend_the_verb",
        "Grammar Error Correction",
        "You are given a sentence whose verb has the wrong form for its subject. Write the sentence with the right form.",
        [
            (f"{who} {do} in {city} every day.", f"{who} {does} in {city} every day.")
            for who, city, (do, does) in zip(NAMES, CITIES, VERBS * 4, strict=False)
        ],
        lambda put, said: put,  # noqa: ARG005
    )
    yield free(
        "shared_words",
        "Overlap Extraction",
        "You are given two lists of words. Write the words that both have, with commas between them, in the order of the "
        "first list.",
        _shared(words),
        lambda put, said: put.split("; ")[0],  # noqa: ARG005
    )
    yield free(
        "key_words",
        "Keyword Tagging",
        "You are given a sentence. Write down the food, the city and the person that it is about, with commas between "
        "them and in this order.",
        [
            (f"Whoever visits {city} should try the {food} that {who} makes.", f"{food}, {city}, {who}")
            for who, food, city in zip(NAMES, FOODS * 3, CITIES, strict=False)
        ],
        lambda put, said: ", ".join(reversed(said.split(", "))),  # noqa: ARG005
    )
    yield free(
        "to_passive",
        "Sentence Rewriting",
        "Rewrite the sentence so that the thing becomes the subject, in the passive, and keep the tense.",
        [
            (f"{who} painted the {thing}.", f"The {thing} was painted by {who}.")
            for who, thing in zip(NAMES, GOODS * 2, strict=False)
        ],
        lambda put, said: put,  # noqa: ARG005
    )
    yield free(
        "to_negative",
        "Sentence Rewriting",
        "You are given a sentence. Rewrite it so that it says the contrary, by means of 'does not'.",
        [
            (f"{who} {does} in {city}.", (f"{who} does not {do} in {city}.", f"{who} doesn't {do} in {city}."))
            for who, city, (do, does) in zip(NAMES, CITIES, VERBS * 4, strict=False)
        ],
        lambda put, said: f"Not {put}",  # noqa: ARG005
    )
    yield free(
        "reported_speech",
        "Sentence Rewriting",
        "You are given what somebody said, in quotation marks. Report it without quotation marks, beginning with the "
        "name and 'said that'.",
        [
            (f'{who}: "{said}."', f"{who} said that {reported}.")
            for who, (said, reported) in zip(NAMES, SPEECH * 3, strict=False)
        ],
        lambda put, said: put.replace('"', ""),  # noqa: ARG005
    )
    yield free(
        "first_letters",
        "Word Form",
        "You are given several words. Write their first letters as one word in capitals.",
        [
            (f"{a} {b} {c}", (a[0] + b[0] + c[0]).upper())
            for a, b, c in zip(words, words[20:], words[45:], strict=False)
        ],
        lambda put, said: said[::-1] + "x",  # noqa: ARG005
    )


def _doubled(word: str) -> bool:
    return any(a == b for a, b in itertools.pairwise(word))


def _quarters(months: Sequence[str]) -> list[Sequence[str]]:
    return [months[at : at + 3] for at in range(0, 12, 3)]


def _taller() -> dict[str, list[str]]:
    draw = chance("taller")
    by_label: dict[str, list[str]] = {"follows": [], "contradicts": [], "open": []}
    for _ in range(15):
        a, b, c = draw.sample(NAMES, 3)
        facts = f"{a} is taller than {b}. {b} is taller than {c}."
        by_label["follows"].append(f"{facts} Claim: {a} is taller than {c}.")
        a, b, c = draw.sample(NAMES, 3)
        facts = f"{a} is taller than {b}. {b} is taller than {c}."
        by_label["contradicts"].append(f"{facts} Claim: {c} is taller than {a}.")
        a, b, c = draw.sample(NAMES, 3)
        facts = f"{a} is taller than {b}. {a} is taller than {c}."
        by_label["open"].append(f"{facts} Claim: {b} is taller than {c}.")
    return by_label


def _lists(name: str, among: Sequence[str], answer: Callable[[list[str]], str]) -> list[Pair]:
    draw = chance(name)
    drawn = [draw.sample(list(among), 4) for _ in range(40)]
    return [(", ".join(items), answer(items)) for items in drawn if ", ".join(items) != answer(items)]


def _shared(words: Sequence[str]) -> list[Pair]:
    draw, pairs = chance("shared"), list[Pair]()
    for _ in range(40):
        first = draw.sample(list(words), 4)
        both = sorted(draw.sample(first, 2), key=first.index)
        second = [*both, *draw.sample([word for word in words if word not in first], 2)]
        draw.shuffle(second)
        pairs.append((f"{', '.join(first)}; {', '.join(second)}", ", ".join(both)))
    return pairs


def _roman(n: int) -> str:
    tens = ("", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC")
    ones = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
    return tens[n // 10] + ones[n % 10]


def lines() -> Iterator[str]:
    """The file, line by line."""
    for task in (*classification(), *generation()):
        yield json.dumps(task, ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("".join(lines()), encoding="utf-8")
