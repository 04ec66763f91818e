"""The tone of a model in memory: the same verdicts as `score` gives, and a training that is not disturbed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from selfinstruct.errors import BadInput
from selfinstruct.evaluate.objecqa import ObjecQA
from selfinstruct.judge.fit_judge import train
from selfinstruct.judge.judge_folder import load_judge
from selfinstruct.models.transformers_model import TransformersModel
from selfinstruct.models.transformers_weights import load_weights
from selfinstruct.records import Request
from selfinstruct.run.seeds_and_benchmarks import prompt_set
from selfinstruct.run.tone_judges import ask_loaded, ifs_v1
from selfinstruct.stage import Loaded, Tone, UntriedJudge
from selfinstruct.tone.ask_loaded_model import DEV_PROMPTS, ToneProbe
from selfinstruct.tone.objecqa_classifier import opinion
from selfinstruct.tone.objecqa_share import questions_of
from selfinstruct.tone.prompt_sets import prompts_of
from selfinstruct.tone.response_verdicts import Response, Terms, judged
from tests.judge.examples import World, folder
from tests.models import tiny_models

torch = pytest.importorskip("torch")

FIRST = 6


def examiner(judge: Tone, wrapper: str, *, objecqa: bool = False, first: int) -> ToneProbe:
    questions = prompt_set("objecqa-v1") if objecqa else ()
    return ToneProbe.of_tasks(
        prompt_set(DEV_PROMPTS), questions, judge=judge, ask=ask_loaded, wrapper=wrapper, first=first
    )


@dataclass(frozen=True)
class Coin(UntriedJudge):
    """Takes every other text for an answer, by its letters: a model that talks nonsense has both kinds."""

    version: str = "coin/1"
    threshold: float = 0.5

    def probabilities(
        self,
        pairs: Sequence[tuple[str, str]],
        whole: Sequence[bool | None] | None = None,  # noqa: ARG002 - as the protocol has it
    ) -> Sequence[float]:
        return [float(sum(map(ord, text)) % 2) for _, text in pairs]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Room for our prompts, and dropout that would show."""
    made = tmp_path_factory.mktemp("models") / "tiny"
    model = tiny_models.model(context=1024)
    model.config.attention_dropout = 0.5
    model.save_pretrained(made)
    tiny_models.tokenizer().save_pretrained(made)
    return made


@pytest.fixture
def loaded(place: Path) -> Loaded:
    return load_weights(str(place))


def test_the_prompts_are_split_by_source_into_150_and_350() -> None:
    dev, test, whole = (prompt_set(name) for name in (DEV_PROMPTS, "ifs-v1:test", "ifs-v1"))
    sources = [{str(task.extra["source"]) for task in tasks} for tasks in (dev, test)]
    assert [len(tasks) for tasks in (dev, test)] == [300, 700]
    assert [len(source) for source in sources] == [150, 350]
    assert not sources[0] & sources[1]
    assert {task.id for task in (*dev, *test)} == {task.id for task in whole}
    for first, other in pairwise(dev):  # whole, then cut
        if first.extra["source"] == other.extra["source"]:
            assert (first.extra["whole"], other.extra["whole"]) == (True, False)
            assert first.instruction.startswith(other.instruction)
    # The beginning is no run of neighbours in the file, and the split is for good.
    assert [task.extra["source"] for task in dev[:8:2]] == ["ifs-184", "ifs-449", "ifs-384", "ifs-364"]


@pytest.mark.parametrize("wrapper", ["none", "chat", "few-shot:1"])
def test_verdicts_are_those_of_the_backend_and_the_scorer(wrapper: str, place: Path, loaded: Loaded) -> None:
    made = examiner(Coin(), wrapper, first=FIRST)
    reading = made(loaded.model, loaded.tokenizer)
    prompts = list(prompts_of(prompt_set(DEV_PROMPTS)))[: 2 * FIRST]
    assert [(verdict.source, verdict.whole) for verdict in reading.verdicts] == [
        (prompt.source, prompt.whole) for prompt in prompts
    ]
    assert (reading.judge, reading.prompts, reading.wrapper) == ("coin/1", f"ifs-v1:dev[:{FIRST}]", wrapper)
    assert reading.objecqa is None

    async def asked() -> list[Response]:
        backend = TransformersModel(str(place))
        wrapped = [made.wrapper.wrap(prompt.text) for prompt in prompts]
        requests = [Request(prompt=w.prompt, stop=w.stop, max_tokens=48, temperature=0.0) for w in wrapped]
        answers = await asyncio.gather(*map(backend.answer, requests))
        await backend.close()
        return [
            Response(
                prompt=prompt.text,
                text=answer.choices[0].text,
                finish_reason=answer.choices[0].finish_reason,
                asked_tokens=48,
            )
            for prompt, answer in zip(prompts, answers, strict=True)
        ]

    expected = list(judged(asyncio.run(asked()), Coin(), Terms(tone_tokens=48, budget=48)))
    assert [(verdict.answers, verdict.clean) for verdict in reading.verdicts] == [
        (verdict.answer_like, verdict.clean) for verdict in expected
    ]
    assert len({verdict.answers for verdict in reading.verdicts}) == 2


def test_a_model_in_training_is_asked_without_dropout_and_left_as_it_was(loaded: Loaded) -> None:
    made = examiner(Coin(), "none", first=FIRST)
    calm = made(loaded.model, loaded.tokenizer)
    loaded.model.train()
    frozen = loaded.model.get_input_embeddings()
    frozen.eval()
    modes, dice = [part.training for part in loaded.model.modules()], torch.get_rng_state()
    assert len(set(modes)) == 2
    assert made(loaded.model, loaded.tokenizer) == calm
    assert [part.training for part in loaded.model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), dice)
    assert all(weight.grad is None for weight in loaded.model.parameters())


def test_modes_come_back_after_a_fault(loaded: Loaded) -> None:
    loaded.model.train()
    loaded.model.config.max_position_embeddings = 8
    with pytest.raises(BadInput, match="the model takes 8"):
        examiner(Coin(), "none", first=1)(loaded.model, loaded.tokenizer)
    assert all(part.training for part in loaded.model.modules())


def test_questions_of_taste_are_asked_once_each_and_told_as_a_share(place: Path, loaded: Loaded) -> None:
    reading = examiner(Coin(), "none", objecqa=True, first=1)(loaded.model, loaded.tokenizer)
    questions = [question for question in questions_of(prompt_set("objecqa-v1")) if not question.phrasing]
    assert len(questions) == 100

    async def asked() -> list[str]:
        backend = TransformersModel(str(place))
        requests = [
            Request(prompt=question.text, max_tokens=ObjecQA.max_tokens, temperature=0.0) for question in questions
        ]
        answers = await asyncio.gather(*map(backend.answer, requests))
        await backend.close()
        return [answer.choices[0].text for answer in answers]

    kinds = [opinion(question.text, text) for question, text in zip(questions, asyncio.run(asked()), strict=True)]
    answered = [kind for kind in kinds if kind != "no_answer"]
    assert reading.objecqa == (answered.count("objective") / len(answered) if answered else None)


def test_a_model_that_cannot_be_asked_so_is_bad_input(loaded: Loaded) -> None:
    loaded.tokenizer.chat_template = None
    with pytest.raises(BadInput, match="no chat template"):
        examiner(Coin(), "chat", first=1)(loaded.model, loaded.tokenizer)
    loaded.model.config.max_position_embeddings = 8
    with pytest.raises(BadInput, match=r"a prompt of ifs-v1:dev\[:1\] gets no answer: .* the model takes 8"):
        examiner(Coin(), "none", first=1)(loaded.model, loaded.tokenizer)
    with pytest.raises(BadInput, match="no wrapper 'lace'"):
        examiner(Coin(), "lace", first=1)


def test_in_a_script_of_ones_own_the_linear_judge_measures_or_the_one_that_is_named(
    tmp_path: Path, loaded: Loaded
) -> None:
    train(folder(tmp_path / "fragments", World(60, "one")), tmp_path / "judge")
    reading = ifs_v1("none", first=3)(loaded.model, loaded.tokenizer)
    assert (reading.judge, len(reading.verdicts)) == ("ifs-v2-linear", 6)
    other = ifs_v1("none", first=3, judge=str(tmp_path / "judge"))(loaded.model, loaded.tokenizer)
    assert other.judge == load_judge(tmp_path / "judge").version
    with pytest.raises(BadInput, match="no judge here"):
        ifs_v1(judge=str(tmp_path / "none"))
