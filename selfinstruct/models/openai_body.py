"""The body of a request as an endpoint takes it: what it refuses is left out, or said in another way."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from selfinstruct.models.capabilities import Way, path_of
from selfinstruct.models.openai_answer import whole
from selfinstruct.records import Choice, Json, Message, Request

_BY_SCHEMA = "Answer with JSON alone, nothing before or after it, that follows this JSON schema:"


def body_of(request: Request, model: str, way: Way) -> dict[str, Json]:
    """What is sent for a request.

    >>> body_of(Request(prompt="Name a river.", max_tokens=9, seed=1), "m", Way(left_out=("seed", "top_p")))
    {'model': 'm', 'temperature': 1.0, 'max_tokens': 9, 'prompt': 'Name a river.'}
    """
    wanted: dict[str, Json] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        way.limit: request.most_tokens,
        "n": request.n if request.n != 1 else None,
        "stop": [whole(stop) for stop in request.stop] or None,
        "presence_penalty": request.presence_penalty or None,
        "frequency_penalty": request.frequency_penalty or None,
        "seed": request.seed,
        "response_format": _response_format(request.json_schema) if request.json_schema else None,
        "stream": False if way.streams else None,
    }
    refused = {"", *way.left_out}
    if way.one_of_two:  # the one that says something stays
        refused.add("temperature" if request.temperature == 1.0 and request.top_p != 1.0 else "top_p")
    body: dict[str, Json] = {"model": model}
    body |= {key: value for key, value in wanted.items() if value is not None and key not in refused}
    if isinstance(request.prompt, str):
        return body | {"prompt": whole(request.prompt)}
    return body | {"messages": [{"role": role, "content": whole(text)} for role, text in _turns(request, way)]}


def times(request: Request, way: Way) -> int:
    """How often the body is sent for all choices of a request."""
    return request.n if "n" in way.left_out else 1


def sent_as(request: Request, bodies: Sequence[Mapping[str, Json]]) -> str:
    """What was sent, for the journal: as JSON, the prompt only where it is not the request's own; once if all alike."""
    told: list[Json] = []
    for body in bodies:
        short = {key: value for key, value in body.items() if key != "prompt"}
        if short.get("messages") == _asked(request):
            short.pop("messages", None)
        told.append(short)
    path = path_of(request)
    alike = all(one == told[0] for one in told)
    return json.dumps({"path": path, "times": len(told), "body": told[0] if alike else told}, ensure_ascii=False)


def cut_at_stops(choices: Sequence[Choice], stops: Sequence[str]) -> tuple[Choice, ...]:
    r"""Each text up to the first of the stops, as an endpoint that takes them would have ended it.

    >>> cut = cut_at_stops([Choice("a\nb", "length"), Choice("c", "length")], ["\n"])
    >>> [(one.text, one.finish_reason) for one in cut]
    [('a', 'stop'), ('c', 'length')]
    """
    return tuple(_cut(choice, stops) for choice in choices)


def _cut(choice: Choice, stops: Sequence[str]) -> Choice:
    ends = [at for at in (choice.text.find(stop) for stop in stops if stop) if at >= 0]
    return replace(choice, text=choice.text[: min(ends)], finish_reason="stop") if ends else choice


def _asked(request: Request) -> Json:
    if isinstance(request.prompt, str):
        return None
    return [{"role": turn.role, "content": whole(turn.content)} for turn in request.prompt]


def _turns(request: Request, way: Way) -> list[tuple[str, str]]:
    assert not isinstance(request.prompt, str)
    turns = [(str(turn.role), turn.content) for turn in request.prompt]
    if request.json_schema and "response_format" in way.left_out:
        last = max(at for at, (role, _) in enumerate(turns) if role == "user" or at == 0)
        turns[last] = (turns[last][0], f"{turns[last][1]}\n\n{_BY_SCHEMA}\n{request.json_schema}")
    if way.system == "developer":
        return [("developer" if role == "system" else role, text) for role, text in turns]
    return _folded(request.prompt, turns) if way.system == "user" else turns


def _folded(prompt: Sequence[Message], turns: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What the system says goes before what the user says next: no two turns of one role stand together."""
    if not any(turn.role == "system" for turn in prompt):
        return list(turns)
    folded: list[tuple[str, str]] = []
    before = ""
    for role, text in turns:
        if role == "system":
            before += f"{text}\n\n"
        elif role == "user":
            folded.append((role, before + text))
            before = ""
        else:
            folded += [("user", before.rstrip())] if before else []
            folded.append((role, text))
            before = ""
    return [*folded, *([("user", before.rstrip())] if before else [])]


def _response_format(schema: str) -> Json:
    wanted = {"name": "answer", "schema": json.loads(schema), "strict": True}
    return {"type": "json_schema", "json_schema": wanted}


def tried(body: Mapping[str, Json]) -> frozenset[str]:
    """The names of what a body asks for that may be refused; a neutral value says nothing of another.

    >>> sorted(tried({"model": "m", "temperature": 1.0, "top_p": 0.5, "prompt": "a", "max_tokens": 9}))
    ['max_tokens', 'prompt', 'temperature=1', 'top_p']
    """
    neutral = {key for key in ("temperature", "top_p") if body.get(key) == 1.0}
    names = {f"{key}=1" if key in neutral else key for key in body if key != "model"}
    messages = body.get("messages")
    if isinstance(messages, list):
        names |= {f"role {turn['role']}" for turn in messages if isinstance(turn, dict)}
    return frozenset(names)
