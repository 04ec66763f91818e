"""How demonstrations become a prompt and a completion becomes tasks: one small class for each template."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from selfinstruct.generate import parse_instances, parse_instructions, reference_program
from selfinstruct.generate.propose_settings import Asking, Profile, Style, Template
from selfinstruct.prompts import Prompt, prompt
from selfinstruct.records import Choice, Instance, Message, Task
from selfinstruct.stage import Traits

CUT = frozenset({"length", "content_filter"})
"""Finish reasons after which the last item is a torn one."""

Asks = str | tuple[Message, ...]
Fault = Literal["", "truncated", "no_output", "empty", "malformed"]


@dataclass(frozen=True, slots=True)
class ProposedItem:
    """One proposed task, or what is left of one."""

    instruction: str
    instances: tuple[Instance, ...] = ()
    fault: Fault = ""


class ProposalTemplate(Protocol):
    """How tasks are asked for and read back: prompt, stop texts, schema and parser of one style."""

    @property
    def label(self) -> str:
        """Name and version of the prompt text."""

    @property
    def json_schema(self) -> str:
        """What the answer is held to; empty for free text."""

    def prompt(self, demonstrations: Sequence[Task]) -> Asks:
        """The prompt that shows these demonstrations."""

    def stop(self, shown: int) -> tuple[str, ...]:
        """Texts that end an answer, for so many demonstrations shown."""

    def items(self, choice: Choice, shown: int) -> list[ProposedItem]:
        """What an answer holds; a completion thrown away whole gives nothing."""


def template_for(
    style: Style,
    template: Template,
    profile: Profile,
    traits: Traits,
    asking: Asking,
    *,
    classification_only: bool,
    what: str = "",
    topic: str = "",
) -> ProposalTemplate:
    """The template that suits a style and what the model can be asked for; `what`: a kind of task, in place of any."""
    chat = template == "chat" or (template == "auto" and not traits.completion)
    usual = "classification tasks that name their possible labels" if classification_only else "tasks"
    what = f"{what or usual} about {topic}" if topic else what or usual
    if style == "self_instruct" and profile == "reference":
        return ReferenceList(classification_only=classification_only, chat=chat)
    structured = chat and traits.structured and not traits.small and profile == "default"
    kind = "json" if structured else "chat" if chat else "completion"
    if style == "alpaca":
        strict = profile == "reference"
        return Entries(prompt("generate", f"propose_alpaca.{kind}"), kind, asking.items, what, topic, strict=strict)
    if traits.small and not chat:
        return NumberedList(prompt("generate", "propose.small"), kind, asking.items, what, topic, mark="Task ")
    return NumberedList(prompt("generate", f"propose.{kind}"), kind, asking.items, what, topic)


@dataclass(frozen=True, slots=True)
class NumberedList:
    """Instructions alone, as a numbered list to be continued."""

    text: Prompt
    template: str
    wanted: int
    what: str
    topic: str = ""
    mark: str = ""
    """`Task ` writes `Task 9:` in place of `9.`; small models hold to it better."""

    @property
    def label(self) -> str:
        """Name and version of the prompt text."""
        return self.text.label

    @property
    def json_schema(self) -> str:
        """An array of strings, as an object because some endpoints accept nothing else."""
        return _TASKS_SCHEMA.replace("ITEM", '{"type":"string"}') if self.template == "json" else ""

    def prompt(self, demonstrations: Sequence[Task]) -> Asks:
        """The prompt that shows these demonstrations."""
        shown = [reference_program.listed(task.instruction) for task in demonstrations]
        listed = parse_instructions.numbered(shown, label=self.mark)
        if self.template == "completion":
            opening = f"{self.mark}{len(shown) + 1}" + (":" if self.mark else ".")
            return f"{_filled(self.text, self.topic, what=self.what)}\n{listed}{opening}"
        first, last = len(shown) + 1, len(shown) + self.wanted
        return _user(
            _filled(
                self.text,
                self.topic,
                what=self.what,
                list=listed.rstrip("\n"),
                items=str(self.wanted),
                first=str(first),
                last=str(last),
            )
        )

    def stop(self, shown: int) -> tuple[str, ...]:
        """Anchored at the start of a line, so that `2016.` inside a text ends nothing."""
        if self.template != "completion":
            return ()
        return ("\n\n", f"\n{self.mark}{shown + self.wanted + 1}" + (":" if self.mark else "."))

    def items(self, choice: Choice, shown: int) -> list[ProposedItem]:
        """All good items; of a choice that was cut off, the last one is torn."""
        whole: list[str] = []
        if self.template == "json":
            whole = [
                item
                for item in (_instruction(element) for element in parse_instructions.json_items(choice.text))
                if item
            ]
        if whole:
            return [ProposedItem(item) for item in whole]  # elements of a cut array are whole or not there
        opened = shown + 1 if self.template == "completion" else 0
        return _torn(
            [ProposedItem(item) for item in parse_instructions.list_items(choice.text, opened=opened, chat=not opened)],
            choice,
        )


@dataclass(frozen=True, slots=True)
class Entries:
    """Instruction, input and output in one request, as Stanford Alpaca asks."""

    text: Prompt
    template: str
    wanted: int
    what: str
    topic: str = ""
    strict: bool = False
    """Read as Alpaca's own program reads."""

    @property
    def label(self) -> str:
        """Name and version of the prompt text."""
        return self.text.label

    @property
    def json_schema(self) -> str:
        """JSON schema of an array of task objects."""
        return _TASKS_SCHEMA.replace("ITEM", _ENTRY_SCHEMA) if self.template == "json" else ""

    def prompt(self, demonstrations: Sequence[Task]) -> Asks:
        """The prompt that shows these demonstrations."""
        shown = len(demonstrations)
        opened = parse_instances.written(demonstrations)
        if self.template == "completion":
            return f"{_filled(self.text, self.topic, what=self.what, total=str(shown + self.wanted))}\n\n{opened}"
        closed = opened.rpartition("###\n")[0].rstrip("\n")
        values = {"items": str(self.wanted), "first": str(shown + 1), "last": str(shown + self.wanted)}
        return _user(_filled(self.text, self.topic, what=self.what, list=closed, **values))

    def stop(self, shown: int) -> tuple[str, ...]:
        """Texts that end an answer, for so many demonstrations shown."""
        last = shown + self.wanted + 1
        if self.strict:
            return (f"\n{last}", f"{last}.")
        return () if self.template != "completion" else (f"\n{last}. Instruction:",)

    def items(self, choice: Choice, shown: int) -> list[ProposedItem]:
        """What an answer holds; a completion thrown away whole gives nothing."""
        if self.strict:
            return self._strict_items(choice, shown)
        if self.template == "json":
            whole = [
                item for item in (_entry(element) for element in parse_instructions.json_items(choice.text)) if item
            ]
            if whole:
                return whole
        opened = self.template == "completion"
        return _torn([_item(entry) for entry in parse_instances.read(choice.text, opened=opened)], choice)

    @staticmethod
    def _strict_items(choice: Choice, shown: int) -> list[ProposedItem]:
        pieces = parse_instances.read_strictly(choice.text, shown)
        items = [_item(piece) if piece else ProposedItem("", fault="malformed") for piece in pieces]
        if choice.finish_reason == "length":
            items[-1] = ProposedItem(items[-1].instruction, items[-1].instances, "truncated")
        return items


@dataclass(frozen=True, slots=True)
class ReferenceList:
    """The prompts and the parsing of the released Self-Instruct program."""

    classification_only: bool = False
    chat: bool = False

    label = "reference.propose/1"
    json_schema = ""

    def prompt(self, demonstrations: Sequence[Task]) -> Asks:
        """The prompt that shows these demonstrations."""
        text = reference_program.propose_prompt(
            [task.instruction for task in demonstrations], classification_only=self.classification_only
        )
        return _user(text) if self.chat else text

    def stop(self, shown: int) -> tuple[str, ...]:
        """Always around 16, however many are shown."""
        del shown
        return reference_program.PROPOSE_STOP

    def items(self, choice: Choice, shown: int) -> list[ProposedItem]:
        """Nothing at all of a completion that was cut off."""
        del shown
        if choice.finish_reason == "length":
            return []
        return [
            ProposedItem(piece, fault="" if piece else "empty") for piece in reference_program.split_items(choice.text)
        ]


_TASKS_SCHEMA = (
    '{"type":"object","properties":{"tasks":{"type":"array","items":ITEM}},'
    '"required":["tasks"],"additionalProperties":false}'
)
_ENTRY_SCHEMA = (
    '{"type":"object","properties":{"instruction":{"type":"string"},"input":{"type":"string"},'
    '"output":{"type":"string"}},"required":["instruction","input","output"],"additionalProperties":false}'
)


_ANY = {"stay": "", "aspect": "topic", "subjects": "everyday and specialised subjects"}
_WITHIN = {
    "stay": "- Each must be about {topic}, as plainly as those above, and of use to people of that trade.\n",
    "aspect": "the point it is about",
    "subjects": "simple and specialised matters",
}


def _filled(text: Prompt, topic: str, **values: str) -> str:
    """The text for tasks of any topic, in which they are to differ, or of one, within which they are."""
    slots = {name: value.replace("{topic}", topic) for name, value in (_WITHIN if topic else _ANY).items()}
    return text.filled(**slots, **values)


def _user(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)


def _torn(items: list[ProposedItem], choice: Choice) -> list[ProposedItem]:
    if items and choice.finish_reason in CUT:
        items[-1] = ProposedItem(items[-1].instruction, items[-1].instances, "truncated")
    return items


def _item(entry: parse_instances.ParsedEntry) -> ProposedItem:
    if entry.output is None:
        return ProposedItem(entry.instruction, fault="no_output")
    return ProposedItem(entry.instruction, (Instance(entry.input, entry.output),))


def _instruction(element: object) -> str:
    """A string, or the one string of an object such as `{"instruction": ...}`."""
    if isinstance(element, dict):
        element = element.get("instruction", element.get("task"))
    return element.strip() if isinstance(element, str) else ""


def _entry(element: object) -> ProposedItem | None:
    instruction = _instruction(element)
    if not instruction or not isinstance(element, dict):
        return None
    given, output = element.get("input", ""), element.get("output")
    if not isinstance(output, str):
        return ProposedItem(instruction, fault="no_output")
    return ProposedItem(
        instruction, (Instance(parse_instances.no_input(given if isinstance(given, str) else ""), output.strip()),)
    )


def ordinals(items: Iterable[ProposedItem]) -> list[int]:
    """For each item how many identical ones stand before it.

    >>> ordinals([ProposedItem("a"), ProposedItem("b"), ProposedItem("a")])
    [0, 0, 1]
    """
    seen: Counter[tuple[str, tuple[Instance, ...]]] = Counter()
    numbers = []
    for item in items:
        key = (item.instruction, item.instances)
        numbers.append(seen[key])
        seen[key] += 1
    return numbers
