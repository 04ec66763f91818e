from collections import Counter
from pathlib import Path
from random import Random

from selfinstruct.judge.fragments import read_fragments
from selfinstruct.judge.tuning import sampled
from tests.judge.examples import World, folder


def test_a_sample_takes_as_many_of_each_set_as_they_go(tmp_path: Path) -> None:
    train = read_fragments(folder(tmp_path, World(100, "large"), World(20, "small"))).train
    found = sampled(train, 200, Random(1))
    assert Counter(fragment.set for fragment in found) == {"large": 144, "small": 56}
    assert len({(fragment.source, fragment.kind) for fragment in found}) == 200


def test_a_sample_of_more_than_there_is_is_everything(tmp_path: Path) -> None:
    train = read_fragments(folder(tmp_path, World(20, "one"))).train
    assert Counter(sampled(train, 999, Random(1))) == Counter(train)
