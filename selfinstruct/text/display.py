"""A text as one line that may be printed."""


def one_line(text: str) -> str:
    r"""Every run of white space becomes one space; none at the ends.

    >>> one_line("  Name\n a \t river ")
    'Name a river'
    """
    return " ".join(text.split())


def printable(line: str) -> str:
    r"""A line with control characters, surrogates and marks that turn the writing round made visible.

    >>> printable("red \x1b[31m text")
    'red \\x1b[31m text'
    """
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)


def shown(text: str, width: int = 80) -> str:
    r"""Text as it may be printed: one line, cut to `width`, control characters and surrogates made visible.

    >>> shown("red \x1b[31m text")
    'red \\x1b[31m text'
    """
    line = printable(one_line(text))
    return line if len(line) <= width else line[: width - 1] + "…"
