"""Closed classes of English words that the plain verb rule leans on."""


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


QUESTION_WORDS = _listed("""
    what who whom whose which when where why how what's who's where's how's when's why's
""")
"""First words of questions that ask for more than yes or no."""

AUXILIARIES = _listed("""
    is are was were am does did has had can could will would shall should may might isn't aren't don't doesn't
""")
"""First words of questions that ask for yes or no; `do` and `have` are more often imperatives."""

PERSONS = _listed("""
    i me my you he him she her it its we us they them myself yourself itself themselves
""")
"""Pronouns, which no object is named by."""

DETERMINERS = _listed("""
    a an the this that these those my your our their his her its some any each every all both several many few
    another other more most no one two three four five six seven eight nine ten following given provided
""")
"""What stands before a noun."""

PARTICLES = _listed("""
    up out down off over back away on in through together
""")
"""What belongs to a verb: `find out`, `fill in`."""

ADVERBS = _listed("""
    briefly carefully quickly simply always only clearly concisely automatically manually correctly properly not
    never also instead again then just please kindly step-by-step below above here there today together once
    twice
""")
"""What may stand around verb and object without belonging to either."""

BOUNDARIES = _listed("""
    of in on at by for from with without to into onto as about against between among through during before after
    over under within across toward towards until per via than like and or but nor so yet if when where while
    because since although though unless whether that which who whom whose what how why is are was were be been
    being has have had can could will would should may might must do does did using containing including
    involving describing explaining regarding concerning according based given such not then there up out off
    down away below above titled beginning starting ending
""")
"""What ends a noun phrase."""

_SCENES = _listed("""
    i'm i've it's you're here someone somebody everyone nobody something nothing one's there's that's today
    tomorrow yesterday maybe perhaps yes no hence thus however therefore suppose assume imagine example task
    question instruction text sentence paragraph input output article passage story note
""")

NO_VERBS = PERSONS | DETERMINERS | _SCENES | (BOUNDARIES - _listed("do have be like is are"))
"""What no request begins with; clauses that only set the scene (`suppose`, `imagine`) are passed over as well."""

BASE_FORMS = _listed("""
    bring sing ring swing fling cling sting string wring ping need feed seed embed shed shred speed bleed breed
    proceed succeed exceed heed weed wed bed sled focus discuss bias canvas
""")
"""Base forms that look inflected."""

SINGULAR = {
    "people": "person",
    "children": "child",
    "men": "man",
    "women": "woman",
    "criteria": "criterion",
    "phenomena": "phenomenon",
    "lives": "life",
    "movies": "movie",
    "cookies": "cookie",
    "series": "series",
    "species": "species",
    "news": "news",
    "mathematics": "mathematics",
    "physics": "physics",
    "statistics": "statistics",
    "lens": "lens",
    "lenses": "lens",
    "glasses": "glasses",
    "goods": "goods",
    "scissors": "scissors",
    "trousers": "trousers",
    "loaves": "loaf",
    "knives": "knife",
    "shelves": "shelf",
    "leaves": "leaf",
    "halves": "half",
    "wolves": "wolf",
    "wives": "wife",
    "thieves": "thief",
    "gas": "gas",
    "bias": "bias",
    "canvas": "canvas",
    "atlas": "atlas",
    "data": "data",
}
"""Nouns whose ending misleads."""
