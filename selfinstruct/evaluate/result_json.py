"""How results are written: JSON in UTF-8, a line or a page."""

import json

from selfinstruct.records import Json


def as_line(value: Json) -> str:
    r"""One line of a JSONL file, its line end included.

    >>> as_line({"said": "\ud800"}), as_line({"said": "ø"})
    ('{"said": "\\ud800"}\n', '{"said": "ø"}\n')
    """
    return _encodable(value, None)


def as_page(value: Json) -> str:
    """A file of one value, for people too."""
    return _encodable(value, 2)


def _encodable(value: Json, indent: int | None) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate, which a model may write
        text = json.dumps(value, indent=indent)
    return text + "\n"
