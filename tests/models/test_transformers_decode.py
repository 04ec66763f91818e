"""Models with an encoder: batches against `model.generate` on one prompt at a time, with tiny models made here."""

import asyncio
import json
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Answer
from selfinstruct.models.transformers_model import TransformersModel
from selfinstruct.models.transformers_weights import load_weights
from selfinstruct.records import Request
from tests.models import tiny_models

pytest.importorskip("torch")


pytest.importorskip("transformers")


PROMPTS = ("a", "name a river.", "add one, two", "hello" * 8, "write a line", "s t o p")


@pytest.fixture(scope="module", params=["t5", "bart"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each kind."""
    place: Path = tmp_path_factory.mktemp("encoded") / request.param
    made = tiny_models.encoded(request.param)
    made.generation_config.forced_eos_token_id = None  # BART would end every text that is cut
    made.save_pretrained(place)
    tiny_models.tokenizer(chat=False).save_pretrained(place)
    return place


def ask(backend: TransformersModel, *requests: Request) -> list[Answer]:
    async def together() -> list[Answer]:
        try:
            return list(await asyncio.gather(*(backend.answer(request) for request in requests)))
        finally:
            await backend.close()

    return asyncio.run(together())


def test_every_text_is_the_one_the_library_makes_of_its_prompt_alone(folder: Path) -> None:
    loaded = load_weights(str(folder), to_ask=True)
    requests = [Request(prompt=prompt, max_tokens=12, temperature=0.0) for prompt in PROMPTS]
    answers = ask(TransformersModel(str(folder), rows=4), *requests)
    texts = set()
    for prompt, answer in zip(PROMPTS, answers, strict=True):
        given = loaded.tokenizer(prompt, return_tensors="pt")["input_ids"]
        grown = loaded.model.generate(given, max_new_tokens=12, do_sample=False, num_beams=1, eos_token_id=1)[0][1:]
        expected = grown.tolist()
        assert json.loads(answer.raw)["tokens"] == [expected]
        text = loaded.tokenizer.decode(expected, skip_special_tokens=True).rstrip("\ufffd")
        assert answer.choices[0].text == text
        assert answer.usage.prompt_tokens == len(prompt)
        texts.add(text)
    assert len(texts) > 1  # else the encoder might as well not be there


def test_the_same_request_has_the_same_texts_in_any_company(folder: Path) -> None:
    request = Request(prompt="name a river.", max_tokens=10, temperature=1.1, n=3, seed=7)
    lonely = ask(TransformersModel(str(folder), rows=1), request)[0]
    others = [Request(prompt=prompt, max_tokens=8, n=2) for prompt in PROMPTS]
    assert ask(TransformersModel(str(folder)), *others, request)[-1] == lonely
    assert len({choice.text for choice in lonely.choices}) > 1


def test_it_has_no_chat_and_is_asked_with_raw_prompts(folder: Path) -> None:
    assert not TransformersModel(str(folder)).traits.chat


def test_such_a_model_is_asked_and_not_tuned(folder: Path) -> None:
    with pytest.raises(BadInput, match="no causal language model"):
        load_weights(str(folder))
