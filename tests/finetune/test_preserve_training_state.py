"""What an evaluation in the middle of a training leaves behind: nothing."""

import random
from array import array

import numpy as np
import pytest
import torch

from selfinstruct.finetune.check_plan import seconds_of_token
from selfinstruct.finetune.examples import TrainingExample
from selfinstruct.finetune.preserve_training_state import evaluating, preserve_training_state


class Small(torch.nn.Module):
    """Two parts, of which a training keeps one out of training mode."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        super().__init__()
        self.frozen, self.trained = torch.nn.Linear(2, 2), torch.nn.Dropout(0.5)
        self.train()
        self.frozen.eval()
        for weights in self.frozen.parameters():
            weights.requires_grad_(False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        assert not self.trained.training
        return tokens

    def modes(self) -> list[bool]:
        return [part.training for part in self.modules()]


def test_each_part_of_a_model_is_in_its_own_mode_again() -> None:
    model = Small()
    before = model.modes()
    with evaluating(model):
        assert not any(model.modes())
    assert model.modes() == before


def test_so_it_is_after_a_failure() -> None:
    model = Small()
    before = model.modes()
    with pytest.raises(KeyError), preserve_training_state(model):
        raise KeyError
    assert model.modes() == before


def test_timing_a_token_leaves_each_part_in_its_mode() -> None:
    model = Small()
    before = model.modes()
    assert seconds_of_token(model, TrainingExample("a/0", array("l", [1, 2, 3]), bytes(3), cut=False)) >= 0
    assert model.modes() == before


def test_random_states_and_what_is_trained_are_put_back() -> None:
    model = Small()
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global one that trainers use
    torch.manual_seed(1)
    states = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # type: ignore[index] # noqa: NPY002
    with preserve_training_state(model):
        random.random()
        np.random.random()  # noqa: NPY002
        torch.rand(3)
        model.requires_grad_(requires_grad=True)
    assert (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()) == states  # type: ignore[index] # noqa: NPY002
    assert not any(weights.requires_grad for weights in model.frozen.parameters())
