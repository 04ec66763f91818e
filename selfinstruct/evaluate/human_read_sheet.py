"""The sheet of drawn responses, blind to model and verdict, and what of it only the score's folder knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selfinstruct.csv_sheets import as_cell, as_csv, csv_rows, fitting, from_cell
from selfinstruct.errors import BadInput
from selfinstruct.evaluate.human_read_sample import Drawn, ScoredResponse
from selfinstruct.records import Json, digest
from selfinstruct.text import shown, words

_ANSWERS = "answers (yes/no/unsure)"
_SAID = {"yes": 1.0, "no": 0.0, "unsure": 0.5, "y": 1.0, "n": 0.0, "u": 0.5}
_LISTED = 3
_NAME = 9  # characters: a letter, so that no spreadsheet takes an id for a number, and eight of a hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What was drawn to be read, of which responses, with which chance: kept apart from the sheet."""

    responses: str
    """`hash_of` of the responses."""
    wanted: int
    """Of each model under each wrapper."""
    seed: int
    tone_tokens: int
    guide: str
    """SHA-256 of the rule by which they are read."""
    rows: Mapping[str, Drawn]
    """By the id in the sheet, in its order; `silent` rows are not in it."""
    silent: tuple[Drawn, ...]
    """Drawn, and saying nothing: read as no answer, without a reader."""

    @property
    def name(self) -> str:
        """With which each id of the sheet begins."""
        return _name(self.responses, [one.place for one in (*self.rows.values(), *self.silent)])

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the sheet."""
        return "id", "prompt", f"first {self.tone_tokens} tokens", _ANSWERS

    def as_json(self) -> dict[str, Json]:
        """For `draw_of`."""
        rows: dict[str, Json] = {name: _told(one) for name, one in self.rows.items()}
        return {
            "responses": self.responses,
            "wanted": self.wanted,
            "seed": self.seed,
            "tone_tokens": self.tone_tokens,
            "guide": self.guide,
            "rows": rows,
            "silent": [_told(one) for one in self.silent],
        }


def drawn_to_read(
    scored: Sequence[ScoredResponse],
    drawn: Sequence[Drawn],
    *,
    responses: str,
    wanted: int,
    seed: int,
    tone: int,
    guide: str,
) -> Draw:
    """The draw with its rows shuffled and named; `tone`: tokens of a response that are shown."""
    name = _name(responses, [one.place for one in drawn])
    silent = [one for one in drawn if not scored[one.place].shown(tone)]
    asked = sorted((one for one in drawn if one not in silent), key=lambda one: digest("sheet", name, one.place))
    return Draw(
        responses=responses,
        wanted=wanted,
        seed=seed,
        tone_tokens=tone,
        guide=guide,
        rows={f"{name}-{number:03d}": one for number, one in enumerate(asked, 1)},
        silent=tuple(silent),
    )


def draw_of(told: Mapping[str, Any], place: str) -> Draw:
    """The draw that `Draw.as_json` told; BadInput where it is not as it was written."""
    try:
        draw = Draw(
            responses=told["responses"],
            wanted=told["wanted"],
            seed=told["seed"],
            tone_tokens=told["tone_tokens"],
            guide=told["guide"],
            rows={name: Drawn(**one) for name, one in told["rows"].items()},
            silent=tuple(Drawn(**one) for one in told["silent"]),
        )
        whole = all(isinstance(one.place, int) and 0 < one.chance <= 1 for one in (*draw.rows.values(), *draw.silent))
    except (KeyError, TypeError, AttributeError, ValueError) as fault:
        raise BadInput("damaged: no record of a draw", place=place, fix="draw a new sheet") from fault
    if not whole:
        raise BadInput("damaged: no record of a draw", place=place, fix="draw a new sheet")
    return draw


def sheet(draw: Draw, scored: Sequence[ScoredResponse]) -> str:
    """The CSV to be filled in."""
    rows = []
    for name, one in draw.rows.items():
        texts = _texts(scored[one.place], draw)
        rows.append((name, *map(as_cell, texts), ""))
    return as_csv(draw.columns, rows)


def draw_name(text: str, place: str) -> str:
    r"""The draw that a sheet is of, from the first id in it; BadInput where there is none.

    >>> draw_name("id,prompt,first 48 tokens,answers (yes/no/unsure)\r\nr00c0ffee-001,A,B,yes\r\n", "read.csv")
    'r00c0ffee'
    """
    lines = text.removeprefix("\ufeff").split("\n", 1)
    first = lines[1].lstrip(" \"'\r\n,;\t") if len(lines) > 1 else ""
    name, mark, _ = first[: _NAME + 1].partition("-")
    if not mark or len(name) != _NAME or not name.isalnum():
        raise BadInput("no sheet of `score --read`", place=place, fix="name the sheet that it wrote, as CSV in UTF-8")
    return name


def filled(text: str, draw: Draw, scored: Sequence[ScoredResponse], place: str) -> dict[int, float]:
    """What was read, by the place of the response: 1 an answer, 0 none, half where the reader was unsure.

    Raises:
        BadInput: a word that is no answer, a row that is missing, unanswered, there twice or changed; with the line.
    """
    lines: dict[str, str] = {}
    found: dict[int, float] = {one.place: 0.0 for one in draw.silent}
    open_rows = []
    for here, (name, prompt, response, said) in csv_rows(text, draw.columns, place):
        one = draw.rows.get(name.strip())
        if one is None:
            what = f"column id: {shown(name, 40)!r} is no row of this sheet"
            raise BadInput(what, place=here, fix="fill in the sheet as it was written")
        if name.strip() in lines:
            what = f"column id: read already in line {lines[name.strip()]}"
            raise BadInput(what, place=here, fix="keep one of the two rows")
        lines[name.strip()] = here.rpartition(":")[2]
        if [words(from_cell(cell)) for cell in (prompt, response)] != [
            words(cell) for cell in _texts(scored[one.place], draw)
        ]:
            what = "prompt and response are not those of this id"
            raise BadInput(what, place=here, fix="undo what changed or moved a cell, perhaps sorting one column")
        word = said.strip().lower()
        if word and word not in _SAID:
            what = f"column {_ANSWERS}: {shown(said, 40)!r} is no answer"
            raise BadInput(what, place=here, fix="write yes, no or unsure")
        if word:
            found[one.place] = _SAID[word]
        else:
            open_rows.append(lines[name.strip()])
    missing = [name for name in draw.rows if name not in lines]
    if missing:
        what = f"{len(missing)} of {len(draw.rows)} rows are missing ({_few(missing)})"
        raise BadInput(what, place=place, fix="fill in the whole sheet: rows left out would bend the share")
    if open_rows:
        what = f"{len(open_rows)} of {len(draw.rows)} rows have no answer yet (line {_few(open_rows)})"
        raise BadInput(what, place=place, fix="write yes, no or unsure in each: rows left out would bend the share")
    return found


def _texts(one: ScoredResponse, draw: Draw) -> tuple[str, str]:
    return fitting(one.response.prompt), fitting(one.shown(draw.tone_tokens))


def _name(responses: str, places: Sequence[int]) -> str:
    told: list[Json] = [*sorted(places)]
    return "r" + digest("draw", responses, told)[: _NAME - 1]


def _told(one: Drawn) -> dict[str, Json]:
    return {"place": one.place, "stratum": one.stratum, "chance": one.chance}


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_LISTED]) + (" ..." if len(names) > _LISTED else "")
