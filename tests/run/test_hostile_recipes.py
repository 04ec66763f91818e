"""Whole recipes that went wrong: each resolves, or is one line with its place; none is a traceback."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfinstruct.cli.main import desk
from selfinstruct.errors import BadInput
from selfinstruct.run.recipe.keys import RecipeKeys
from selfinstruct.run.recipe.resolve import resolve
from selfinstruct.run.recipe.resolved import Resolved
from selfinstruct.run.recipe.stage_names import STAGES
from selfinstruct.run.recipe.yaml_file import parse_yaml
from tests.cli.typed import command, process

HOME = Path(__file__).parents[2]
SHIPPED = {path.stem: path.read_text(encoding="utf-8") for path in sorted((HOME / "pipelines").glob("*.yaml"))}
KNOBS = sorted({knob for stage in STAGES.values() for knob in stage.__dataclass_fields__})  # type: ignore[attr-defined]  # stages are dataclasses
WORDS = [*RecipeKeys.model_fields, *STAGES, *KNOBS, "publish.format", "limits.max_cost", "stop.barren_requests"]

Steps: TypeAlias = tuple[str | int, ...]

hostile_text = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            "..",
            "../../etc/passwd",
            "a\nb",
            "\x1b[2J",
            "null",
            "~",
            "=",
            "name: x",
            "écran",
            "写诗",
            "x" * 5000,
            "\u202e",
        ]
    ),
)
numbers = st.one_of(
    st.integers(),
    st.sampled_from([0, -1, 10**30, 10**400, 2**63, -(2**63)]),
    st.floats(),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, hostile_text, st.dates(), st.sampled_from(WORDS)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), hostile_text, st.integers(), st.none()), inner, max_size=3),
    ),
    max_leaves=8,
)


def places(value: object, path: Steps = ()) -> Iterator[Steps]:
    """Every key and index of a nested value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield (*path, key)
        yield from places(item, (*path, key))


def dropped(whole: Any, path: Steps) -> None:
    del holder_of(whole, path)[path[-1]]


def holder_of(whole: Any, path: Steps) -> Any:
    for key in path[:-1]:
        whole = whole[key]
    return whole


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """A shipped recipe with one to four things changed, as YAML."""
    whole = yaml.safe_load(SHIPPED[draw(st.sampled_from(sorted(SHIPPED)))])
    for _ in range(draw(st.integers(1, 4))):
        there = list(places(whole))
        if not there:
            break
        path = draw(st.sampled_from(there))
        holder, key = holder_of(whole, path), path[-1]
        match draw(st.sampled_from(["drop", "retype", "rename", "repeat", "add"])):
            case "drop":
                dropped(whole, path)
            case "retype":
                holder[key] = draw(values)
            case "rename" if isinstance(holder, dict):
                holder[draw(st.one_of(st.sampled_from(WORDS), hostile_text, st.integers()))] = holder.pop(key)
            case "repeat" if isinstance(holder, list):
                holder.append(holder[int(key)])
            case _ if isinstance(holder, dict):
                holder[draw(st.sampled_from(WORDS))] = draw(values)
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=draw(st.booleans()))


@st.composite
def scribbled(draw: st.DrawFn) -> str:
    """The text of a shipped recipe with something written into it, or a line of it twice."""
    lines = SHIPPED[draw(st.sampled_from(sorted(SHIPPED)))].splitlines(keepends=True)
    at = draw(st.integers(0, len(lines) - 1))
    snippets = [
        "!!python/name:os.system ",
        "&a ",
        "*a",
        "<<: *a\n",
        "- [[",
        "? ",
        "%TAG ! x\n",
        "---\n",
        "\t",
        "!!set ",
        "|\n",
    ]
    match draw(st.sampled_from(["twice", "cut", "snippet", "text"])):
        case "twice":
            lines.insert(at, lines[at])
        case "cut":
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        case "snippet":
            split = draw(st.integers(0, len(lines[at])))
            lines[at] = lines[at][:split] + draw(st.sampled_from(snippets)) + lines[at][split:]
        case _:
            lines[at] = draw(hostile_text) + lines[at]
    return "".join(lines)


def resolved(text: str, changes: Sequence[str] = ()) -> Resolved | BadInput:
    """What comes of a recipe; anything but these two is a fault of ours."""
    try:
        return resolve(parse_yaml(text.encode("utf-8", "surrogatepass"), "r.yaml"), changes)
    except BadInput as error:
        return error


def check(text: str, changes: Sequence[str] = ()) -> None:
    what = resolved(text, changes)
    if isinstance(what, BadInput):
        ended = what.typed
        assert ended.startswith(("r.yaml", "--set")), ended
        assert ended.isprintable(), ended
        assert len(ended) < 1500, ended
        assert what.fix
    else:
        written = what.as_yaml()
        again = resolved(written)
        assert isinstance(again, Resolved), again
        assert again.as_yaml() == written
        assert (again.rounds, again.stages) == (what.rounds, what.stages)


@given(mutants())
@settings(max_examples=120, deadline=None)
def test_a_recipe_with_anything_changed_resolves_or_is_one_line_with_its_place(text: str) -> None:
    check(text)


@given(scribbled())
@settings(max_examples=100, deadline=None)
def test_a_recipe_that_was_scribbled_into_resolves_or_is_one_line_with_its_place(text: str) -> None:
    check(text)


@given(
    st.sampled_from(sorted(SHIPPED)),
    st.lists(
        st.one_of(
            st.builds("{}={}".format, st.sampled_from(WORDS), values),
            st.builds("{}.{}={}".format, st.sampled_from(WORDS), st.sampled_from(WORDS), values),
            st.builds("{}={}".format, hostile_text, hostile_text),
            hostile_text,
        ),
        min_size=1,
        max_size=3,
    ),
)
@example("smoke", ["count=2026-13-45"])
@example("smoke", ["count=" + "9" * 5000])
@example("smoke", ["seed=0x" + "f" * 5000])
@example("smoke", ["count=" + "[" * 5000])
@example("smoke", ["novelty=5", "novelty.rouge_l_below=0.5"])
@example("smoke", ["rounds=5", "novelty.rouge_l_below=0.5"])
@example("smoke", ["novelty.rouge_l_below=.nan"])
@example("smoke", ["=5"])
@example("smoke", ["about=\udcff"])
@settings(max_examples=100, deadline=None)
def test_any_set_words_resolve_or_are_one_line(name: str, changes: list[str]) -> None:
    check(SHIPPED[name], changes)


@given(mutants(), st.sampled_from(["novelty.rouge_l_below=0.5", "propose.items=3", "count=3", "limits.attempts=1"]))
@settings(max_examples=50, deadline=None)
def test_set_words_on_a_broken_recipe_resolve_or_are_one_line(text: str, change: str) -> None:
    check(text, [change])


HEAD = "name: x\nmodels: {teacher: embedded}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"r\.yaml:1: a recipe is a mapping"),
        (HEAD, r"r\.yaml:1: no stages"),
        (HEAD + "cuont: 5\nrounds: [propose]\n", r"r\.yaml:3: no key 'cuont' \(did you mean 'count'"),
        (HEAD + "rounds: [propose]\nrounds: [novelty]\n", r"r\.yaml:4: key 'rounds' stands twice; see line 3"),
        (HEAD + "rounds:\n- propose\n- novelti\n", r"r\.yaml:5: no stage 'novelti' \(did you mean 'novelty'"),
        (HEAD + "rounds:\n- propose:\n    itms: 3\n", r"r\.yaml:5: stage 'propose' has no knob 'itms'"),
        (HEAD + "rounds:\n- propose:\n    1: 3\n", r"r\.yaml:5: stage 'propose' has no knob '1'"),
        (HEAD + "rounds:\n- propose:\n    items: many\n", r"r\.yaml:5: stage 'propose', knob 'items'"),
        (HEAD + "rounds:\n- propose:\n    temperature: .nan\n", r"r\.yaml:5: stage 'propose', knob 'temperature'"),
        (HEAD + "rounds:\n- propose:\n    temperature: nan\n", r"r\.yaml:5: stage 'propose', knob 'temperature'"),
        (HEAD + "rounds:\n- propose:\n    model: ''\n", r"r\.yaml:2: stage 'propose' asks a model ''"),
        (HEAD + "rounds:\n- propose\n- novelty:\n    rouge_l_below: 7\n", r"r\.yaml:5: stage 'novelty': rouge_l_below"),
        (HEAD + "rounds:\n- [propose]\n", r"r\.yaml:4: a step is"),
        (HEAD + "rounds: [novelty]\n", r"r\.yaml:3: 'novelty': the first stage of a round"),
        (HEAD + "rounds: [propose]\nstages: [propose]\n", r"r\.yaml:4: 'propose' makes records"),
        (HEAD + "seed: 0x" + "f" * 5000 + "\n", r"r\.yaml:3: a number of 5002 digits"),
        (HEAD + "seed: 99999999999999999999\nrounds: [propose]\n", r"r\.yaml:3: key 'seed'"),
        (HEAD + 'seeds: "a\\0b"\n', r"r\.yaml:3: holds a null"),
        (HEAD + 'about: "\\ud800"\n', r"r\.yaml:3: holds a null or half a character"),
        (HEAD + "rounds: [propose, {filter: {rules: !!set {torn, empty}}}]\n", r"r\.yaml:3: tag '.*set'"),
        (
            HEAD + "limits: {max_cost: [5]}\nrounds: [propose]\n",
            r"r\.yaml:3: key 'limits\.max_cost'.*no amount",
        ),
        (HEAD + "limits: {max_cost: -5}\nrounds: [propose]\n", r"r\.yaml:3: key 'limits\.max_cost'.*such as 5"),
        (HEAD + "limits: {max_cost: five}\nrounds: [propose]\n", r"r\.yaml:3: key 'limits\.max_cost'.*such as 5"),
        (HEAD + "limits: {max_cost: true}\nrounds: [propose]\n", r"r\.yaml:3: key 'limits\.max_cost'.*such as 5"),
        (HEAD + 'rounds: ["a\\nb\\e[2J"]\n', r"r\.yaml:3: no stage 'a b\\x1b\[2J'"),
    ],
)
def test_a_recipe_that_cannot_be_used_names_the_line_and_the_key(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        resolve(parse_yaml(text.encode(), "r.yaml"))


def bomb(step: Callable[[int], str]) -> str:
    return "a0: &a0 {k: v}\n" + "".join(step(level) for level in range(1, 33))


@pytest.mark.parametrize(
    "text",
    [
        bomb(lambda level: f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}]\n"),
        bomb(lambda level: f"a{level}: &a{level}\n  <<: [*a{level - 1}, *a{level - 1}]\n"),
        "a: &a {b: [*a, *a]}\n",
    ],
    ids=["lists", "merges", "cycle"],
)
def test_aliases_that_grow_without_end_are_refused_at_once(text: str) -> None:
    with pytest.raises(BadInput, match=r"r\.yaml"):
        parse_yaml(text.encode(), "r.yaml")


def test_an_alias_that_saves_typing_is_fine() -> None:
    text = HEAD + "rounds:\n- propose: {template: &shape chat}\n- instances: {template: *shape}\n"
    assert isinstance(resolved(text), Resolved)


@given(text=mutants(), more=st.sampled_from([[], ["--set", "count=7"]]))
@settings(max_examples=40, deadline=None)
def test_check_says_the_recipe_or_fails_with_two(
    text: str, more: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutant.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        code = desk.main(["check", str(path), *more], standalone_mode=False)
    except BadInput as error:
        assert error.exit_code == 2
        assert error.typed.startswith((str(path), "--set"))
    else:
        assert code == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name: x\nrounds: [\x1b]\n", []),
        (b"\xff\xfe\x00", []),
        (b"rounds: 5\n", ["--set", "novelty.words=program"]),
        ((HEAD + "rounds: [{propose: {items: &a [*a]}}]\n").encode(), []),
        ((HEAD + 'rounds: [propose, "\\e]0;title\\a"]\n').encode(), []),
    ],
)
def test_the_command_itself_ends_with_two_and_one_line(content: bytes, words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(content)
    ended = command("check", str(path), *words)
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.strip().isprintable()
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["n" * 300 + ".yaml", "a\nb.yaml", "/dev/null/x", ".", "", "\udcff.yaml"])
def test_a_name_that_no_recipe_has_ends_with_two(name: str) -> None:
    ended = (command if name.isprintable() else process)("check", name)  # a shell may hand over what is no text
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_recipe_in_any_script_is_printed_on_a_terminal_that_knows_only_ascii(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(HEAD + "about: 写一首诗\nrounds: [propose]\n", encoding="utf-8")
    ended = process("check", str(path), PYTHONIOENCODING="ascii")
    assert ended.returncode == 0, ended.stderr
    assert "about: " in ended.stdout


@pytest.mark.parametrize(("given", "cap"), [("5", "5"), ("0.5", "0.5"), ("1.0e-7", "0.0000001"), ("'0.50'", "0.50")])
def test_a_cap_is_a_number_as_people_write_it(given: str, cap: str) -> None:
    text = HEAD + f"limits: {{max_cost: {given}}}\nrounds: [propose]\n"
    assert resolve(parse_yaml(text.encode(), "r.yaml")).recipe.limits.max_cost == cap
