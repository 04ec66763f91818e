"""What is called from Python is called with arguments that it has, of the kinds its annotations say; else one line."""

import difflib
import functools
import inspect
import numbers
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

from selfinstruct.errors import BadInput
from selfinstruct.text import shown
from selfinstruct.text.grammar import with_article

Given = ParamSpec("Given")
Made = TypeVar("Made")

_NUMBERS: Mapping[Any, type] = {int: numbers.Integral, float: numbers.Real}  # those of numpy are numbers too
_WORDS: Mapping[Any, str] = {
    bool: "True or False",
    float: "a number",
    int: "a whole number",
    str: "a text",
    NoneType: "None",
}
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60


class WrongArgument(BadInput, TypeError):
    """An argument that a function, or a stage, lacks, does not have or cannot use; a TypeError, as of any other."""


def arguments_checked(called: str = "") -> Callable[[Callable[Given, Made]], Callable[Given, Made]]:
    """Decorates a function that people call, by the name `called` or else its own: WrongArgument names the argument.

    >>> @arguments_checked()
    ... def bake(*, minutes: int = 30) -> None: ...
    >>> bake(minuets=25)
    Traceback (most recent call last):
    selfinstruct.arguments.WrongArgument: bake: no argument 'minuets' (did you mean 'minutes'?); arguments: minutes
    >>> bake(minutes="long")
    Traceback (most recent call last):
    selfinstruct.arguments.WrongArgument: bake: minutes='long', where a whole number is expected
    """

    def decorated(call: Callable[Given, Made]) -> Callable[Given, Made]:
        signature = inspect.signature(call)
        who = called or call.__qualname__.removesuffix(".__init__")

        @functools.wraps(call)
        def checked(*args: Given.args, **given: Given.kwargs) -> Made:
            for name, value in _bound(signature, who, args, given).items():
                parameter = signature.parameters[name]
                _check(who, name, value, parameter.annotation, may_be_empty=parameter.default == "")
            return call(*args, **given)

        return checked

    return decorated


def knobs_checked(made: type[Made], called: str) -> type[Made]:
    """The same class of a stage, whose knobs are checked as those of a function are.

    They are looked at after a stage has put them in order: it may take more than its annotations say.
    """
    plain = made.__init__
    if hasattr(plain, "__wrapped__"):  # it is checked already
        return made
    signature = inspect.signature(plain)

    @functools.wraps(plain)
    def checked(self: Made, *args: Any, **given: Any) -> None:  # noqa: ANN401 - whatever is given
        bound = _bound(signature, called, (self, *args), given)
        bound.pop("self")
        try:
            plain(self, *args, **given)
        except BadInput:
            raise
        except Exception:
            _check_knobs(signature, called, bound)
            raise
        _check_knobs(signature, called, {name: getattr(self, name) for name in bound})

    made.__init__ = checked  # type: ignore[assignment, method-assign]  # the same, but for what it says
    return made


def fields_checked(made: type[Made], called: str) -> type[Made]:
    """The same class of a frozen record, whose fields are checked as arguments are; a list becomes the tuple it means.

    Records are made by the million, so that a value of the very kind that is wanted costs a look and no more.
    """
    plain = made.__init__
    if hasattr(plain, "__wrapped__"):  # it is checked already
        return made
    signature = inspect.signature(plain)
    wanted = {name: parameter.annotation for name, parameter in signature.parameters.items() if name != "self"}
    kinds = {name: frozenset(_options(annotation)) for name, annotation in wanted.items()}
    items = {name: _item_of_tuple(annotation) for name, annotation in wanted.items()}
    free = {name for name, annotation in wanted.items() if _takes_any_mapping(annotation)}

    @functools.wraps(plain)
    def checked(self: Made, *args: Any, **given: Any) -> None:  # noqa: ANN401 - whatever is given
        if args or not given.keys() <= wanted.keys():
            given = _bound(signature, called, (self, *args), given)
            given.pop("self")
        for name, value in given.items():
            kind = type(value)
            if kind in kinds[name] or (kind is dict and name in free):
                continue
            if kind is tuple and all(type(item) is items[name] for item in value):
                continue
            _check(called, name, value, wanted[name], may_be_empty=True)
            if items[name] is not None and not isinstance(value, tuple):
                given[name] = tuple(value)
        try:
            plain(self, **given)
        except TypeError:
            _bound(signature, called, (self,), given)
            raise

    made.__init__ = checked  # type: ignore[assignment, method-assign]  # the same, but for what it says
    return made


def _item_of_tuple(annotation: object) -> object:
    """What a tuple of any length is annotated to hold; None for all else."""
    inner = get_args(annotation)
    return inner[0] if get_origin(annotation) is tuple and inner[1:] == (...,) else None


def _takes_any_mapping(annotation: object) -> bool:
    """Whether its values are of a kind that only a type checker can look up."""
    return _is_mapping(annotation) and not isinstance(get_args(annotation)[1], type)


def _check_knobs(signature: inspect.Signature, who: str, knobs: Mapping[str, Any]) -> None:
    for name, value in knobs.items():
        _check(who, name, value, signature.parameters[name].annotation, may_be_empty=True)


def _bound(signature: inspect.Signature, who: str, args: tuple[Any, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, by name."""
    known = [name for name in signature.parameters if name not in {"self", "cls"}]
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" (did you mean '{near[0]}'?)" if near else ""
            fix = f"arguments: {', '.join(known) or 'none'}"
            raise WrongArgument(f"no argument '{name}'{hint}", place=who, fix=fix)
    try:
        return signature.bind(*args, **given).arguments
    except TypeError as fault:
        raise WrongArgument(str(fault), place=who, fix=f"arguments: {', '.join(known) or 'none'}") from None


def _check(who: str, name: str, value: object, wanted: object, *, may_be_empty: bool) -> None:
    options = _options(wanted)
    names_place = any(map(_is_path, options)) and not any(map(_is_mapping, options))
    if names_place and isinstance(value, str) and not value and not may_be_empty:
        raise WrongArgument(f"{name}='', where a path is expected", place=who, fix="the folder you work in is '.'")
    if found := _misfit(name, value, wanted):
        alone = isinstance(value, str | PurePath) and any(_is_item(value, option) for option in options)
        fix = f"give a list, such as {name}=[{_SHORT.repr(value)}]" if alone else ""
        raise WrongArgument(found, place=who, fix=fix)


def _misfit(name: str, value: object, wanted: object) -> str:
    """What is wrong with a value, or nothing; of a list or a mapping it names the first item that does not fit."""
    found = [_misfit_of_one(name, value, option) for option in _options(wanted)]
    if not all(found):
        return ""
    inside = [said for said in found if not said.startswith(f"{name}=")]
    return inside[0] if inside else _said(name, value, wanted)


def _misfit_of_one(name: str, value: object, option: object) -> str:
    origin, inner = get_origin(option), get_args(option)
    if origin is Literal:
        fits = any(value == word and type(value) is type(word) for word in inner)
    elif _is_list(option):
        fits = _looks_like_a_list(value)
        items = inner[0] if inner and (origin is not tuple or inner[1:] == (...,)) else Any
        if fits and isinstance(value, list | tuple):
            return next(filter(None, (_misfit(f"{name}[{at}]", item, items) for at, item in enumerate(value))), "")
    elif _is_mapping(option):
        fits = isinstance(value, Mapping)
        if isinstance(value, Mapping):
            return next(filter(None, (_misfit(f"{name}[{key!r}]", value[key], inner[1]) for key in value)), "")
    elif _is_any_iterable(option):
        fits = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    elif option in _NUMBERS:
        fits = isinstance(value, _NUMBERS[option]) and not isinstance(value, bool)
    elif isinstance(option, type) and option not in (Any, object, inspect.Parameter.empty):
        fits = _has_all_of(value, option) if getattr(option, "_is_protocol", False) else isinstance(value, option)
    else:
        fits = True  # a name that only a type checker can look up
    return "" if fits else _said(name, value, option)


def _said(name: str, value: object, wanted: object) -> str:
    return f"{name}={shown(_SHORT.repr(value), 100)}, where {_in_words(wanted)} is expected"


def _in_words(wanted: object) -> str:
    options = dict.fromkeys(map(_option_in_words, _options(wanted)))
    return " or ".join(filter(None, (", ".join([*options][:-1]), [*options][-1])))


def _option_in_words(option: object) -> str:
    inner = get_args(option)
    if get_origin(option) is Literal:
        return f"one of {', '.join(map(repr, inner))}"
    if _is_mapping(option):
        return "a mapping"
    if _is_any_iterable(option):
        ours = isinstance(inner[0], type) and inner[0] not in _WORDS and not _is_path(inner[0])
        return f"a list of {inner[0].__name__}" if ours else "a list"
    if _is_path(option):
        return "a path"
    return _WORDS.get(option) or with_article(getattr(option, "__name__", str(option)))


def _options(wanted: object) -> tuple[object, ...]:
    return get_args(wanted) if get_origin(wanted) in (Union, UnionType) else (wanted,)


def _is_path(option: object) -> bool:
    return isinstance(option, type) and issubclass(option, PurePath)


def _is_list(option: object) -> bool:
    origin = get_origin(option)
    return isinstance(origin, type) and issubclass(origin, Sequence)


def _is_mapping(option: object) -> bool:
    origin = get_origin(option)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_any_iterable(option: object) -> bool:
    origin = get_origin(option)
    return isinstance(origin, type) and issubclass(origin, Iterable)


def _is_item(value: object, option: object) -> bool:
    """Whether a list of it alone would do."""
    return _is_any_iterable(option) and not _is_mapping(option) and not _misfit("it", value, get_args(option)[0])


def _looks_like_a_list(value: object) -> bool:
    """Columns of tables and arrays too, which are no Sequence."""
    if isinstance(value, str | bytes | Mapping | type):
        return False
    return isinstance(value, Sequence) or {"__len__", "__getitem__", "__iter__"} <= {*dir(value)}


def _has_all_of(value: object, protocol: type) -> bool:
    wanted = {name for name in (*vars(protocol), *inspect.get_annotations(protocol)) if not name.startswith("_")}
    return wanted <= {*dir(value)} and not isinstance(value, type)
