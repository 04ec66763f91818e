"""Whether a reply to a preference question takes a side, told by rules and small word lists: no model is asked.

In this order: nothing said, the question said again or only new questions -> `no_answer`; a short opening that names
one option ("The piano.") or a side taken in the first person ("I'd pick", "my favourite is") -> `subjective`; a cue of
even-handedness ("it depends", "as an AI", "a matter of taste", "pros and cons") -> `objective`; a verdict ("tea is
better") -> `subjective`; both options named -> `objective`; anything else that shares a word with the question ->
`objective`, what shares none -> `no_answer`.

How far to trust it: on 60 replies of a 135M model that were looked at only after the rules were written, one reader
gave the same class 44 times (0.73, kappa 0.48); most of the others were rambling replies that answer and do not. The
cue of a short opening came after that.
"""

import re
from typing import Literal, TypeAlias

from selfinstruct.text import words
from selfinstruct.tone.no_answer import is_empty

Opinion: TypeAlias = Literal["subjective", "objective", "no_answer"]
OPINIONS: tuple[Opinion, ...] = ("subjective", "objective", "no_answer")

_OR = re.compile(r"([\w'\u2019 -]{2,60}?),? or ([\w'\u2019 -]{2,60})", re.IGNORECASE)
_ABOUT_THE_USER = re.compile(r"\b(?:you|your|mean|budget|situation|occasion|mood|kind|purpose)\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
_SHORT = 12  # words: a reply as short names what it picks
_OPENING = 4  # words
_OPTION = 3  # words of what stands before "or" that are taken for the first option


def opinion(question: str, reply: str) -> Opinion:
    """The class of a reply by rules alone.

    >>> opinion("Do you prefer tea or coffee?", "I'd go for tea, always.")
    'subjective'
    >>> opinion("Do you prefer tea or coffee?", "As an AI I have no taste, but both have their friends.")
    'objective'
    >>> opinion("Do you prefer tea or coffee?", "Do you prefer cats or dogs?")
    'no_answer'
    """
    said = _without_question(question, reply)
    if is_empty(said) or not words(said) or _asks_only(question, said):
        return "no_answer"
    if _opens_with_one(question, said):
        return "subjective"
    if AFTER_ALL.search(said) or (OWN_SIDE.search(said) and not NO_SIDE.search(said)):
        return "subjective"
    if EVEN_HANDED.search(said) or NO_SIDE.search(said):
        return "objective"
    return _without_cues(question, said)


def _opens_with_one(question: str, said: str) -> bool:
    """Its first sentence is little more than the name of one of the two."""
    first = _SENTENCE.search(said)
    if first is None or len(words(first[0])) > _OPENING or first[0].endswith("?") or EVEN_HANDED.search(first[0]):
        return False
    return [_is_named(option, first[0]) for option in options(question)].count(True) == 1


def _without_cues(question: str, said: str) -> Opinion:
    named = [_is_named(option, said) for option in options(question)]
    if VERDICT.search(said) or (DECIDED.match(said) and (any(named) or not named)):
        return "subjective"
    short = len(words(said)) <= _SHORT
    if any(named) and not all(named):
        return "subjective" if short or said.lower().startswith(("because", "yes", "no")) else "objective"
    if named and all(named):
        return "objective"
    if short and not named and not said.rstrip().endswith("?"):
        return "subjective"  # "Vanilla." names a favourite
    return "objective" if _content(question) & _content(said) else "no_answer"


def options(question: str) -> tuple[frozenset[str], ...]:
    """The words of each of two options, those they share aside; none where the question names none.

    >>> [sorted(option) for option in options("Would you rather have tea with milk or black tea?")]
    [['milk'], ['black']]
    """
    sentences = [sentence for sentence in _SENTENCE.findall(question) if " or " in sentence]
    choice = _OR.search(sentences[-1]) if sentences else None
    if not choice:
        return ()
    first, second = _content(choice[1]), _content(choice[2])
    nearest = frozenset([word for word in words(choice[1]) if word in first][-_OPTION:])
    sides = (nearest - second, second - nearest)
    return sides if all(sides) else ()


def _is_named(option: frozenset[str], said: str) -> bool:
    """One of its words is there, in the singular or the plural."""
    heard = frozenset(_stem(word) for word in words(said))
    return any(_stem(word) in heard for word in option)


def _content(text: str) -> frozenset[str]:
    return frozenset(word for word in words(text) if word not in FUNCTION_WORDS and len(word) > 1)


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > len("gas") else word


def _asks_only(question: str, said: str) -> bool:
    """Nothing but questions, and not one about what the person wants or means."""
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(said) if words(sentence)]
    if not all(sentence.endswith("?") for sentence in sentences):
        return False
    first = sentences[0]
    if words(first)[:2] in (words(question)[:2], ["do", "you"]) or len(sentences) > 2:
        return True
    return not _ABOUT_THE_USER.search(first)


def _without_question(question: str, reply: str) -> str:
    """A reply may begin by saying the question again."""
    said = reply.strip()
    return said[len(question.strip()) :].strip() if said.lower().startswith(question.strip().lower()) else said


_NEGATION = r"(?:n['\u2019]?t|not|never|no|neither|cannot|without|nor)"
_BETWEEN = r"[^.!?\n]"  # keeps a cue within one sentence


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{alternative})" for alternative in alternatives), re.IGNORECASE)


_ADVERBS = (
    r"(?:(?:really|much|strongly|still|always|definitely|certainly|probably|usually|generally|absolutely|personally"
    r"|actually|just|also|rather|simply|honestly|do|must|have to|tend to|happen to|have always|['\u2019]ve always) )*"
)
_LIKING = (
    r"(?:prefer(?:red)?|love[ds]?|adore|enjoy(?:ed)?|hate|dislike|favou?r|choose|pick|opt|vote|go (?:with|for)|take"
    r"|lean|like|select|side with|can['\u2019]?t stand|rather|stick)\b"
)
_PRAISE = (
    r"(?:better|best|nicer|more|worse|worst|superior|favou?rite|beats?|great|wonderful|fun|overrated|underrated|good"
    r"|tastier|lovel\w+|beautiful)\b"
)
_WILL = r"\bi(?:['\u2019]d| would|['\u2019]ll| will)? "

OWN_SIDE = _any(
    _WILL + _ADVERBS + _LIKING,
    _WILL + _ADVERBS + r"(?:say|have to say) (?!(?:that )?it (?:really )?depends)\w",
    rf"\bi (?:think|believe|feel|find|reckon|guess|suppose)\b{_BETWEEN}{{0,80}}\b{_PRAISE}",
    r"\bmy (?:own |personal |all-time |absolute |clear )*(?:favou?rites?|preference|choice|pick|vote|heart|go-to)\b"
    r"(?! (?:would )?depends?)",
    r"\bi(?:['\u2019]m| am|['\u2019]ve always been| have always been) "
    r"(?:(?:more|definitely|very much|really|totally) )*(?:of )?an? [\w-]+(?: [\w-]+)?"
    r" (?:person|lover|fan|guy|girl|kind of)\b",
    r"\bi['\u2019]m (?:\w+ )?(?:team|all for|partial to|fond of|into)\b",
    r"\b(?:a|no|not a|not much of a) (?:big |huge |great |real )?fan of\b",
    r"\bi(?: do|['\u2019]ve)? (?:have|got) a soft spot for\b",
    r"\bi(?: do)? have a (?:\w+ )?favou?rite\b|\bi(?:['\u2019]d| would) argue\b",
    r"\bfor me,? (?:it|the|nothing|there|that)\b",
    r"\b(?:personally|in my (?:humble )?opinion|to my mind|if you ask me|imo|imho)\b",
    r"\bhands down\b|\bevery (?:single )?time[.!]|\bany day\b",
    r"\bno (?:contest|question|doubt about it)\b|\bwithout (?:a|any) doubt\b",
    r"\bgive me (?:the|a|an)\b",
)
"""A side taken in the first person."""

EVEN_HANDED = _any(
    r"\bit (?:really |all |mostly |largely |very much )?varies\b|\bdepends\b|\bdepend(?:ing|ent)? (?:up)?on\b",
    r"\bas an? (?:ai|artificial|language model|assistant|virtual|computer)\b",
    r"\bi(?:['\u2019]m| am) (?:just |only )?an? (?:ai|language model|computer|assistant|program|machine|bot)\b",
    r"\b(?:matter|question) of (?:personal |individual )?(?:taste|preference|opinion|choice|mood)\b",
    r"\b(?:personal|individual) (?:preferences?|tastes?|choices?|decision)\b|\bparadox\b",
    r"\b(?:often|usually|generally|commonly|typically|widely) (?:be )?"
    r"(?:considered|perceived|associated|seen|described|thought)\b",
    r"\bwhile both\b|\bthe (?:key |main )?difference (?:between|lies)\b|\ba (?:mix|combination|balance) of both\b",
    r"\b(?:ai|chatbot)\b|\bi(?:['\u2019]m| am) not sure\b|\byour preference\b|\bthe choice is yours\b",
    r"\b(?:is|are|be|quite|very|purely|highly|entirely) (?:subjective|personal)\b",
    r"\bboth (?:have|has|are|of (?:them|these)|options|can|offer|sides|come)\b",
    r"\beach (?:has|have|of|one|offers?|option)\b|\beither (?:way|one|can|is|choice)\b",
    r"\bsome (?:people|folks|of us|might|may|like|love|prefer|find|say|enjoy|would)\b",
    r"\b(?:many|most|other|different) people\b|\bothers (?:like|prefer|find|say|love|enjoy|would|might|may|value)\b",
    r"\bpeople (?:often|usually|who|tend|like|differ|prefer|have)\b|\bfor (?:some|others)\b",
    r"\b(?:no|not an?) (?:single |one |clear |universal |absolute |objective(?:ly)? )*"
    r"(?:right|correct|wrong|better|best|definitive|answer|winner|universal)\b",
    r"\bup to (?:you|each|the individual|the person)\b|\bneither (?:is|one|of)\b|\bhard to (?:say|choose|pick|tell)\b",
    r"\bpros and cons\b|\b(?:ad|dis)vantages\b|\bon the (?:one|other) hand\b|\bwhereas\b|\btrade-?offs?\b",
    r"\b(?:could|can) you (?:tell|give|say|share)\b|\bwhat (?:do|would) you (?:mean|like|prefer|need|enjoy|want)\b",
    r"\bwhich (?:kind|sort|of these)\b|\bvaries\b|\bdiffers? (?:from|between)\b|\btastes differ\b",
    r"\b(?:surveys?|polls?|studies|research|statistics) (?:suggests?|shows?|finds?|found|say)\b",
)
"""Both sides described, a choice left to others, or the machine disowned as a judge of taste."""

NO_SIDE = _any(
    rf"\bi (?:do|can|could|would|have|am)?[ ]?{_NEGATION}\b{_BETWEEN}{{0,30}}"
    r"\b(?:prefer\w*|favou?r\w*|choose|pick|opinions?|tastes?|feelings?|senses|like|say|enjoy|side|experiences?)\b",
    r"\bi(?:['\u2019]m| am) (?:really |still )?not sure (?:if|which|whether|what|but)\b",
    r"\bi(?:['\u2019]m| am) not sure,",
    r"\bi(?:['\u2019]d| would) (?:like|love) to\b|\bi(?:['\u2019]d| would) say (?:that )?it (?:really )?depends\b",
)
"""The first person, and no side taken."""

AFTER_ALL = _any(
    r"\b(?:but|however|though|still|that said"
    r"|if i (?:had|have|were|must)(?: forced)?(?: to)?(?: choose| pick| say| decide)?)"
    rf"\b,?{_BETWEEN}{{0,60}}{_WILL}{_ADVERBS}(?:say|{_LIKING})",
)
"""A side taken after a disclaimer: "I have no taste of my own, but I would pick tea"."""

DECIDED = re.compile(
    r"\A\W*(?:definitely|absolutely|certainly|surely|obviously|clearly|easily|probably|always|honestly|oh|well|yes|no"
    r"|yeah|nope|of course)\b,?(?! it depends)",
    re.IGNORECASE,
)
"""How a reply opens that then names its side."""

_BETTER = (
    r"(?:better|best|nicer|superior|tastier|unbeatable|perfect|wonderful|lovel\w+|delicious|worse|worst|more \w+"
    r"|the most|the winner)\b"
)
VERDICT = _any(
    # at most two words between, so that "is often considered to be nicer" is nobody's verdict
    rf"\b(?:is|are|was|were|wins?|tastes?|feels?|makes?|has to be|got to be|must be) "
    rf"(?:[\w'\u2019-]+ ){{0,2}}{_BETTER}",
    r"\b(?:indeed|undoubtedly|certainly|clearly|definitely|far|much) (?:more \w+|\w+er)\b",
    r"\bthe (?:best|most \w+|\w+est)\b[^.!?,\n]{0,30} is (?!not\b|often\b|usually\b)",
    r"\bbeats?\b|\bis the best\b|\b(?:better|nicer|tastier) than\b",
)
"""One called better, in the third person."""

FUNCTION_WORDS = frozenset(
    words(
        "a an the of to in on at for and or is are was be do does did you your i it its than with from as by that this"
        " which what who when where how would could should rather prefer better best more most like love think one"
        " favourite favorite if had between choose pick enjoy there have has not"
    )
)
"""Words of a question that say nothing about its subject."""
