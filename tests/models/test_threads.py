"""What OpenMP is told while a numerical library is loaded."""

import os

import pytest

from selfinstruct.models.threads import soon_asleep_while_waiting

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


def test_libraries_are_told_to_sleep_soon_and_nothing_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    with soon_asleep_while_waiting():
        assert [os.environ.get(name) for name in NAMES] == ["passive", "10000"]
    assert not any(name in os.environ for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_who_says_how_threads_wait_is_obeyed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for one in NAMES:
        monkeypatch.delenv(one, raising=False)
    monkeypatch.setenv(name, "7")
    with soon_asleep_while_waiting():
        assert {one: os.environ.get(one) for one in NAMES} == {**dict.fromkeys(NAMES), name: "7"}
    assert os.environ[name] == "7"
