"""Words of a message that depend on what is filled in: an article, a plural."""


def with_article(word: str) -> str:
    """A word that comes in from elsewhere, with `a` or `an` as it is spelt.

    >>> with_article("ask"), with_article("rate"), with_article("int"), with_article("UserMessage")
    ('an ask', 'a rate', 'an int', 'a UserMessage')
    """
    said = word.lower()
    vowel = said[:1] in "aeiou" and not said.startswith(("uni", "use", "usu", "uti", "eu", "one"))
    return f"{'an' if said and vowel else 'a'} {word}"


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> plural(1, "task"), plural(2500, "task"), plural(2, "retry", "retries")
    ('1 task', '2,500 tasks', '2 retries')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
