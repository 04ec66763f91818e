"""Transformers models: batches against `model.generate` on one prompt at a time, with tiny models made here."""

import asyncio
import importlib
import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.models.backend import Answer, AnswersInMemory, CallError
from selfinstruct.models.gate import Gate
from selfinstruct.models.make_backend import make_backend
from selfinstruct.models.transformers_decode import DecodedText, Decoder, TokenizedRequest
from selfinstruct.models.transformers_model import TransformersModel
from selfinstruct.models.transformers_weights import converted, load_weights
from selfinstruct.records import Completion, Message, Request
from selfinstruct.stage import OWN_DTYPE, Loaded
from tests.models import tiny_models

pytest.importorskip("torch")
pytest.importorskip("transformers")

PROMPTS = ("a", "name a river.", "x y z", "add one, two", "hello" * 8, "q", "write a line", "éa", "zz", "s t o p")
END = 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.saved(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def decoder(folder: Path) -> Decoder:
    return Decoder(load_weights(str(folder)))


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, list[int]]:
    """What the library makes of each prompt alone."""
    loaded = load_weights(str(folder))
    return {prompt: alone(loaded, prompt) for prompt in PROMPTS}


def ask(backend: TransformersModel, *requests: Request) -> list[Answer]:
    """All at once, as a gate sends them."""

    async def together() -> list[Answer]:
        try:
            return list(await asyncio.gather(*(backend.answer(request) for request in requests)))
        finally:
            await backend.close()

    return asyncio.run(together())


def greedy(prompt: str | tuple[Message, ...], **knobs: Any) -> Request:
    return Request(**{"prompt": prompt, "max_tokens": 40, "temperature": 0.0, **knobs})


def alone(loaded: Loaded, prompt: str, most: int = 40, ends: Sequence[int] = (END, 3)) -> list[int]:
    """The oracle: what the library itself makes of one prompt."""
    torch = importlib.import_module("torch")
    given = loaded.tokenizer(prompt, return_tensors="pt")
    grown = loaded.model.generate(
        given["input_ids"],
        attention_mask=torch.ones_like(given["input_ids"]),
        max_new_tokens=most,
        do_sample=False,
        eos_token_id=list(ends),
        pad_token_id=END,
    )
    tokens: list[int] = grown[0][given["input_ids"].shape[1] :].tolist()
    return tokens


def tokens_of(answer: Answer) -> list[list[int]]:
    tokens: list[list[int]] = json.loads(answer.raw)["tokens"]
    return tokens


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma3"])
def test_every_text_is_the_one_the_library_makes_of_its_prompt_alone(kind: str, tmp_path: Path) -> None:
    place = tiny_models.saved(tmp_path / "m", kind, seed=2 if kind == "gemma3" else 1)
    loaded = load_weights(str(place))
    answers = ask(TransformersModel(str(place), rows=4), *map(greedy, PROMPTS))
    ends = Counter[str]()
    for prompt, answer in zip(PROMPTS, answers, strict=True):
        expected = alone(loaded, prompt)
        assert tokens_of(answer) == [expected]
        ended = expected[-1] in {END, 3}
        text = loaded.tokenizer.decode(expected, skip_special_tokens=True).rstrip("\ufffd")
        assert (answer.choices[0].text, answer.choices[0].finish_reason) == (text, "stop" if ended else "length")
        assert answer.usage.completion_tokens == len(expected)
        assert answer.usage.prompt_tokens == len(prompt.encode())
        ends[answer.choices[0].finish_reason] += 1
    assert set(ends) == {"stop", "length"}  # else half of the above says nothing


def test_each_request_keeps_its_own_length_and_stops(
    folder: Path, decoder: Decoder, expected: dict[str, list[int]]
) -> None:
    requests, texts = [], []
    for number, (prompt, tokens) in enumerate(expected.items()):
        text = decoder._plain(tokens[: 40 - number])
        stop = text[3:5] if number % 2 and len(text) > 6 else "never said"
        requests.append(greedy(prompt, stop=("no", stop), max_tokens=40 - number))
        texts.append(text[: text.find(stop)] if stop in text else text.rstrip("\ufffd"))
    answers = ask(TransformersModel(str(folder)), *requests)
    assert [answer.choices[0].text for answer in answers] == texts
    stopped = [answer for answer, request in zip(answers, requests, strict=True) if request.stop[1] != "never said"]
    assert len(stopped) > 2
    assert {answer.choices[0].finish_reason for answer in stopped} == {"stop"}
    assert all(answer.usage.completion_tokens < 40 - 9 for answer in stopped)  # the rest was not made in vain


def test_the_same_request_has_the_same_texts_in_any_company(folder: Path) -> None:
    request = Request(prompt="name a river.", max_tokens=20, temperature=1.1, top_p=0.9, n=5, seed=7)
    lonely = ask(TransformersModel(str(folder), rows=1), request)[0]
    others = [Request(prompt=prompt, max_tokens=30, n=2) for prompt in PROMPTS]
    company = ask(TransformersModel(str(folder)), *others[:6], request, *others[6:])[6]
    assert company == lonely
    assert len({choice.text for choice in lonely.choices}) > 1
    assert ask(TransformersModel(str(folder)), replace(request, seed=8))[0].choices != lonely.choices
    assert lonely.usage.completion_tokens == sum(map(len, tokens_of(lonely)))


def test_at_temperature_zero_all_choices_are_one_and_all_are_counted(folder: Path) -> None:
    first, three = ask(TransformersModel(str(folder)), greedy("zz"), greedy("zz", n=3))
    assert three.choices == first.choices * 3
    assert three.usage.completion_tokens == 3 * first.usage.completion_tokens


@pytest.mark.parametrize(("heat", "top_p"), [(1.0, 1.0), (0.5, 1.0), (1.3, 0.6)])
def test_first_tokens_are_drawn_as_often_as_the_model_says(heat: float, top_p: float, folder: Path) -> None:
    torch = importlib.import_module("torch")
    loaded = load_weights(str(folder))
    given = loaded.tokenizer("name", return_tensors="pt")
    with torch.inference_mode():
        chances = (loaded.model(**given).logits[0, -1].double() / heat).softmax(-1)
    ranked = sorted(((float(chance), token) for token, chance in enumerate(chances)), reverse=True)
    kept: dict[int, float] = {}
    for chance, token in ranked:  # the definition of top_p
        if sum(kept.values()) >= top_p:
            break
        kept[token] = chance
    total, count = sum(kept.values()), 2000
    request = Request(prompt="name", max_tokens=1, temperature=heat, top_p=top_p, n=count)
    drawn = Counter(tokens[0] for tokens in tokens_of(ask(TransformersModel(str(folder)), request)[0]))
    assert set(drawn) <= set(kept)
    for token, chance in kept.items():
        expected = count * chance / total
        assert abs(drawn[token] - expected) < 6 * (expected + 1) ** 0.5  # six standard deviations


def test_penalties_count_what_was_said_and_not_the_prompt(folder: Path) -> None:
    plain, present, often = ask(
        TransformersModel(str(folder)),
        greedy("q", max_tokens=12),
        greedy("q", max_tokens=12, presence_penalty=1000.0),
        greedy("q", max_tokens=12, frequency_penalty=1000.0),
    )
    repeated = tokens_of(plain)[0]
    assert len(set(repeated)) < len(repeated)
    for answer in (present, often):
        tokens = tokens_of(answer)[0]
        assert tokens[0] == repeated[0]
        assert len(set(tokens)) == len(tokens)


def test_a_chat_goes_through_the_models_own_template(folder: Path) -> None:
    turns = (Message("user", "name a river."), Message("assistant", "no"), Message("user", "do"))
    written = "<|turn|>user\nname a river.<|end|>\n<|turn|>assistant\nno<|end|>\n<|turn|>user\ndo<|end|>\n"
    chat, raw = ask(TransformersModel(str(folder)), greedy(turns), greedy(written + "<|turn|>assistant\n"))
    assert tokens_of(chat) == tokens_of(raw)
    assert chat.usage == raw.usage


def test_the_mark_that_the_template_puts_after_an_answer_ends_a_text(decoder: Decoder, folder: Path) -> None:
    assert decoder._ends == {END, tiny_models.MARKS.index("<|end|>")}
    loaded = load_weights(str(folder))
    loaded.tokenizer.chat_template = None
    assert Decoder(loaded)._ends == {END}


def test_without_a_template_a_chat_is_bad_input_and_raw_prompts_go_on(tmp_path: Path) -> None:
    place = tiny_models.saved(tmp_path / "base", chat=False)
    backend = TransformersModel(str(place))
    assert not backend.traits.chat
    with pytest.raises(BadInput, match="no chat template"):
        ask(backend, greedy((Message("user", "hello"),)))
    assert tokens_of(ask(backend, greedy("a"))[0])


def test_a_conversation_that_the_template_refuses_can_never_succeed(folder: Path) -> None:
    with pytest.raises(CallError, match="no system turn") as error:
        ask(TransformersModel(str(folder)), greedy((Message("system", "x"), Message("user", "y"))))
    assert error.value.retry == "never"


def test_what_does_not_fit_can_never_succeed_and_what_just_fits_is_cut(folder: Path) -> None:
    for length in (128, 500):
        with pytest.raises(CallError, match="the model takes 128") as error:
            ask(TransformersModel(str(folder)), greedy("a" * length))
        assert (error.value.kind, error.value.retry) == ("too_long", "never")
    answer = ask(TransformersModel(str(folder)), greedy("name a river" * 10))[0]
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 8


def test_an_empty_prompt_begins_at_the_mark_between_texts(folder: Path) -> None:
    empty, mark = ask(TransformersModel(str(folder)), greedy(""), greedy("</s>"))
    assert tokens_of(empty) == tokens_of(mark)


@pytest.mark.parametrize("knob", ["grammar", "json_schema"])
def test_a_grammar_is_refused_rather_than_forgotten(knob: str, folder: Path) -> None:
    with pytest.raises(BadInput, match="cannot be held to a grammar"):
        ask(TransformersModel(str(folder)), greedy("a", **{knob: "{}"}))


def test_a_model_without_a_cache_that_rows_can_share_is_refused(tmp_path: Path) -> None:
    place = tiny_models.saved(tmp_path / "m", "mamba")
    with pytest.raises(BadInput, match=f"model 'hf:{place}': a mamba keeps nothing that rows of a batch can share"):
        ask(TransformersModel(str(place)), greedy("a"))


def test_half_a_character_at_the_end_is_not_shown(decoder: Decoder) -> None:
    cut = decoder.cut(greedy("caf"))
    half, whole = tiny_models.MARKS + tiny_models.LETTERS[:-1], tiny_models.MARKS + tiny_models.LETTERS
    first, second = half.index("\u00c3"), whole.index("\u00a9")
    line = DecodedText(cut.request, 40, None, [first], "length")  # type: ignore[arg-type]  # no dice are thrown
    assert decoder._choice(cut, line).text == ""
    line.tokens.append(second)
    assert decoder._choice(cut, line).text == "é"


def test_the_space_before_a_first_word_is_kept_where_only_the_prompt_tells_it(tmp_path: Path) -> None:
    transformers, tokenizers = importlib.import_module("transformers"), importlib.import_module("tokenizers")
    words = {piece: at for at, piece in enumerate(["<s>", "</s>", *(f"\u2581{letter}" for letter in "abcdefgh")])}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="</s>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    made.decoder = tokenizers.decoders.Metaspace()
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>", unk_token="</s>")
    fast.save_pretrained(tmp_path)
    tiny_models.model(words=len(words)).save_pretrained(tmp_path)
    assert fast.decode([2, 3]) == "a b"  # alone, the first space is lost
    answer = ask(TransformersModel(str(tmp_path)), greedy("a b c", max_tokens=6))[0]
    assert answer.choices[0].text == "".join(f" {'abcdefgh'[token - 2]}" for token in tokens_of(answer)[0] if token > 1)


def test_neighbours_in_length_are_answered_together_and_nobody_is_passed_over(folder: Path) -> None:
    decoder = Decoder(load_weights(str(folder)), rows=3)
    cuts = [decoder.cut(greedy("a" * length)) for length in (20, 1, 50, 19, 2, 21, 48)]
    assert decoder.fellows(cuts) == [3, 0, 5]
    assert decoder.fellows(cuts[1:]) == [0, 3, 2]
    many = decoder.cut(Request(prompt="b", max_tokens=9, n=9))
    assert decoder.fellows([many, *cuts]) == [0]  # larger than a batch: alone


def test_a_batch_that_does_not_fit_into_memory_is_halved_and_says_the_same(folder: Path) -> None:
    torch = importlib.import_module("torch")

    class Narrow(Decoder):
        def _decode(
            self, cuts: Sequence[TokenizedRequest], lines: Sequence[list[DecodedText]], unwanted: Callable[[int], bool]
        ) -> None:
            if len(cuts) > most:
                raise torch.OutOfMemoryError("none left")
            super()._decode(cuts, lines, unwanted)

    loaded, most = load_weights(str(folder)), 3
    requests = [Request(prompt=prompt, max_tokens=9, n=2) for prompt in PROMPTS]
    cuts = [Decoder(loaded).cut(request) for request in requests]
    assert Narrow(loaded).answers(cuts) == Decoder(loaded).answers(cuts)
    most = 0
    with pytest.raises(CallError, match="not enough memory") as error:
        Narrow(loaded).answers(cuts)
    assert error.value.retry == "never"


def test_the_head_reads_only_last_states_and_they_lie_together(decoder: Decoder) -> None:
    """Over rows that lie apart a processor multiplies bfloat16 hundreds of times as slowly."""
    seen: list[tuple[tuple[int, ...], bool]] = []

    def note(_head: Any, given: tuple[Any, ...]) -> None:
        seen.append((tuple(given[0].shape[:2]), given[0].is_contiguous()))

    hook = decoder._model.get_output_embeddings().register_forward_pre_hook(note)
    try:
        decoder.replies([Request(prompt=prompt, max_tokens=2, temperature=0.0) for prompt in PROMPTS[:4]])
    finally:
        hook.remove()
    assert seen[0] == ((4, 1), True)
    assert all(length == 1 and together for (_, length), together in seen)


def test_a_gate_gets_everything_in_order(
    folder: Path, decoder: Decoder, expected: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OWN_DTYPE, "auto")  # `expected` was told in 4 bytes, and in 2 bytes neighbours change texts
    prompts = [PROMPTS[number % len(PROMPTS)] for number in range(60)]
    with Gate(make_backend(str(folder)), AnswersInMemory()) as gate:
        replies = list(gate.scoped("s").complete(greedy(prompt) for prompt in prompts))
    texts = [reply.choices[0].text for reply in replies if isinstance(reply, Completion)]
    assert texts == [decoder._plain(expected[prompt]).rstrip("\ufffd") for prompt in prompts]
    assert gate.price is not None
    assert gate.price.of(1000, 1000) == 0


def test_whoever_gives_up_holds_nobody_else_up(folder: Path) -> None:
    async def give_up() -> Answer:
        backend = TransformersModel(str(folder))
        lost, kept = (asyncio.ensure_future(backend.answer(greedy(prompt))) for prompt in ("name a river.", "zz"))
        await asyncio.sleep(0)
        lost.cancel()
        answer = await kept
        with pytest.raises(asyncio.CancelledError):
            await lost
        await backend.close()
        return answer

    assert asyncio.run(give_up()) == ask(TransformersModel(str(folder)), greedy("zz"))[0]


def test_closing_breaks_off_what_is_under_way_and_another_question_loads_anew(folder: Path) -> None:
    class Slow(Decoder):
        def _forward(self, tokens: Any, mask: Any, cache: Any) -> Any:
            steps.append(1)
            begun.set()
            time.sleep(0.02)
            return super()._forward(tokens, mask, cache)

    async def close_early() -> tuple[bool, Answer]:
        backend = TransformersModel(str(folder))
        backend._decoder = Slow(load_weights(str(folder)))
        asked = asyncio.ensure_future(backend.answer(Request(prompt="a", max_tokens=120, n=8)))
        await asyncio.to_thread(begun.wait, 20)
        await backend.close()
        await asyncio.wait([asked], timeout=20)
        again = await backend.answer(greedy("zz"))
        await backend.close()
        return asked.cancelled(), again

    steps, begun = list[int](), threading.Event()
    cancelled, again = asyncio.run(close_early())
    assert cancelled
    assert len(steps) < 100
    assert again == ask(TransformersModel(str(folder)), greedy("zz"))[0]


def test_a_name_tells_two_trainings_apart_and_not_where_they_lie(folder: Path, tmp_path: Path) -> None:
    other = tiny_models.saved(tmp_path / folder.name, seed=5)
    names = [TransformersModel(str(place)).name for place in (folder, other, folder)]
    assert names[0] == names[2] != names[1]
    assert all(name.startswith(f"hf:{folder.name}@") and "/" not in name for name in names)
    assert str(tmp_path) in TransformersModel(str(other)).notice
    assert TransformersModel("nobody/nothing").name == "hf:nobody/nothing"


def test_traits_are_told_without_loading(folder: Path) -> None:
    backend = make_backend(f"hf:{folder}")
    assert (backend.traits.chat, backend.traits.small, backend.traits.multiple) == (True, True, True)
    assert (backend.traits.grammar, backend.traits.structured) == (False, False)
    assert isinstance(backend, TransformersModel)
    assert backend._decoder is None


def test_the_number_format_is_the_users_choice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = importlib.import_module("torch")
    monkeypatch.setenv(OWN_DTYPE, "bfloat16")
    backend = TransformersModel.from_environment(str(folder))
    assert "bfloat16" in backend.notice
    assert backend._loaded()._model.dtype is torch.bfloat16
    assert tokens_of(ask(backend, greedy("a"))[0])
    monkeypatch.setenv(OWN_DTYPE, "int3")
    with pytest.raises(BadInput, match=r"SELFINSTRUCT_DTYPE: no number format 'int3'; one of: auto, float32"):
        make_backend(f"hf:{folder}")


def test_half_sized_weights_are_widened_on_a_processor(tmp_path: Path) -> None:
    torch = importlib.import_module("torch")
    place = tiny_models.saved(tmp_path / "m")
    load_weights(str(place), dtype="bfloat16").model.save_pretrained(place)
    assert load_weights(str(place), device="cpu").model.dtype is torch.float32
    assert load_weights(str(place), device="cpu", dtype="bfloat16").model.dtype is torch.bfloat16


@pytest.mark.parametrize("base", ["../base", "hf:{there}"])
def test_an_adapter_answers_on_the_base_that_it_names(base: str, tmp_path: Path) -> None:
    peft, torch = pytest.importorskip("peft"), importlib.import_module("torch")
    there = tiny_models.saved(tmp_path / "base")
    plan = peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    tuned = peft.get_peft_model(load_weights(str(there)).model, plan)
    torch.manual_seed(3)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=2.0)
    tuned.save_pretrained(tmp_path / "tuned")
    settings = tmp_path / "tuned" / "adapter_config.json"
    page = json.loads(settings.read_text())
    settings.write_text(json.dumps({**page, "base_model_name_or_path": base.format(there=there)}))
    plain = load_weights(str(there))
    expected = [alone(Loaded(tuned.eval(), plain.tokenizer), prompt) for prompt in PROMPTS[:2]]
    backend = TransformersModel(str(tmp_path / "tuned"))
    assert backend.traits.chat
    answers = [tokens_of(answer)[0] for answer in ask(backend, *map(greedy, PROMPTS[:2]))]
    assert answers == expected
    assert answers != [alone(plain, prompt) for prompt in PROMPTS[:2]]
    switchable = load_weights(str(tmp_path / "tuned"), merge=False)
    with switchable.model.disable_adapter():
        assert alone(switchable, PROMPTS[1]) == alone(plain, PROMPTS[1])
    assert alone(switchable, PROMPTS[1]) == expected[1]


def test_an_adapter_that_does_not_fit_its_base_says_the_sizes(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    there = tiny_models.saved(tmp_path / "base")
    plan = peft.LoraConfig(r=2, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")
    tuned = peft.get_peft_model(load_weights(str(there)).model, plan)
    layers, width = tuned.config.num_hidden_layers, tuned.config.hidden_size
    tuned.save_pretrained(tmp_path / "tuned")
    settings = tmp_path / "base" / "config.json"
    page = json.loads(settings.read_text())
    for change, says in (
        ({"hidden_size": 2 * width}, rf"weights have other sizes, the first \S+: \[.*{width}\] in the adapter, \["),
        (
            {"num_hidden_layers": layers - 1},
            rf"4 of its {4 * layers} weights have no layer there, the first .*{layers - 1}",
        ),
    ):
        shutil.rmtree(tmp_path / "base")
        config = load_config(page | change)
        importlib.import_module("transformers").AutoModelForCausalLM.from_config(config).save_pretrained(
            tmp_path / "base"
        )
        tiny_models.tokenizer().save_pretrained(tmp_path / "base")
        with pytest.raises(BadInput, match=f"does not fit its base .*base: .*{says}.*base_model_name_or_path"):
            load_weights(str(tmp_path / "tuned"))


def load_config(config: dict[str, Any]) -> Any:
    return importlib.import_module("transformers").AutoConfig.for_model(**config)


def test_an_adapter_on_an_adapter_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("peft")
    for name, base in (("one", "nobody/nothing"), ("two", "../one")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
        (tmp_path / name / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(BadInput, match="its base is an adapter, too; merge the base first"):
        load_weights(str(tmp_path / "two"))


def gguf_file(path: Path, *, without: str = "nothing") -> Path:
    """A llama of the tiny kind, as llama.cpp's own converter writes one."""
    gguf = pytest.importorskip("gguf")
    made = tiny_models.model()
    writer = gguf.GGUFWriter(path, "llama")
    settings = made.config
    writer.add_context_length(settings.max_position_embeddings)
    writer.add_embedding_length(settings.hidden_size)
    writer.add_block_count(settings.num_hidden_layers)
    writer.add_feed_forward_length(settings.intermediate_size)
    writer.add_head_count(settings.num_attention_heads)
    writer.add_head_count_kv(settings.num_key_value_heads)
    writer.add_layer_norm_rms_eps(settings.rms_norm_eps)
    writer.add_vocab_size(settings.vocab_size)
    writer.add_rope_freq_base(settings.rope_parameters["rope_theta"])
    writer.add_key_length(settings.head_dim)
    writer.add_tokenizer_model("gpt2")
    # The format wants a merge; its result stands where nobody misses a letter.
    writer.add_token_list(["ab" if piece == "~" else piece for piece in tiny_models.MARKS + tiny_models.LETTERS])
    writer.add_token_types([3] * len(tiny_models.MARKS) + [1] * len(tiny_models.LETTERS))
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(END)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, settings.num_hidden_layers)
    for name, weight in made.state_dict().items():
        if without in name:
            continue
        as_written = weight
        for part, heads in (("q_proj", settings.num_attention_heads), ("k_proj", settings.num_key_value_heads)):
            if part in name:  # the format pairs the halves of a head otherwise
                as_written = weight.reshape(heads, 2, -1, weight.shape[-1]).swapaxes(1, 2).reshape(weight.shape)
        writer.add_tensor(names.get_name(name, (".weight",)), as_written.contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_gguf_file_is_converted_once_and_says_what_it_was_made_from(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFINSTRUCT_CACHE_DIR", str(tmp_path / "cache"))
    path = gguf_file(tmp_path / "tiny.gguf")
    backend = TransformersModel(str(path))
    assert backend.name.startswith("hf:tiny.gguf@")
    answer = ask(backend, greedy("name a river."))[0]
    loaded = load_weights(str(folder))
    assert tokens_of(answer) == [alone(loaded, "name a river.", ends=[END])]
    place = converted(path)
    assert place.parent == tmp_path / "cache" / "converted"
    made = (place / "config.json").stat().st_mtime_ns
    assert converted(path) == place
    assert (place / "config.json").stat().st_mtime_ns == made
    assert [entry.name for entry in place.parent.iterdir() if entry.is_dir()] == [place.name]


def test_a_gguf_file_that_cannot_be_read_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gguf")
    monkeypatch.setenv("SELFINSTRUCT_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + b"\x03" * 64)
    with pytest.raises(BadInput, match="cannot be loaded") as error:
        load_weights(str(path))
    assert "\n" not in str(error.value)
    assert [entry for entry in (tmp_path / "cache" / "converted").iterdir() if entry.is_dir()] == []


@pytest.mark.parametrize("kind", ["safetensors", "gguf"])
def test_weights_that_are_missing_are_not_made_up(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFINSTRUCT_CACHE_DIR", str(tmp_path / "cache"))
    if kind == "gguf":
        place = gguf_file(tmp_path / "tiny.gguf", without="layers.1.mlp.up_proj")
    else:
        storage = importlib.import_module("safetensors.torch")
        place = tiny_models.saved(tmp_path / "m")
        weights = storage.load_file(place / "model.safetensors")
        kept = {name: weight for name, weight in weights.items() if "layers.1.mlp.up_proj" not in name}
        storage.save_file(kept, place / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadInput, match=r"1 of its weights are missing.*layers\.1\.mlp\.up_proj"):
        load_weights(str(place))


def test_code_that_comes_with_weights_is_not_run(tmp_path: Path) -> None:
    place = tiny_models.saved(tmp_path / "m")
    settings = json.loads((place / "config.json").read_text())
    own = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    (place / "config.json").write_text(json.dumps({**settings, "model_type": "own", "auto_map": own}))
    (place / "own.py").write_text(f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).write_text('ran')\n")
    with pytest.raises(BadInput, match="cannot be loaded"):
        load_weights(str(place))
    assert not (tmp_path / "ran").exists()
