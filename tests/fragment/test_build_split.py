"""How many of each kind."""

from hypothesis import given
from hypothesis import strategies as st

from selfinstruct.fragment.build_split import Labels, quotas
from selfinstruct.fragment.fragment import KINDS

SHARES = {name: kind.share for name, kind in KINDS.items()}
ROOM = st.fixed_dictionaries({name: st.integers(0, 40) for name in KINDS})


@given(st.integers(0, 300), st.sampled_from(["paper", "balanced"]), ROOM)
def test_the_labels_keep_their_ratio_exactly_whatever_there_is_room_for(
    total: int, labels: Labels, room: dict[str, int]
) -> None:
    counts = quotas(total, labels, SHARES, room)
    answers = sum(many for name, many in counts.items() if KINDS[name].label)
    others = sum(many for name, many in counts.items() if not KINDS[name].label)
    assert others == answers * (2 if labels == "paper" else 1)
    assert all(0 <= many <= room[name] for name, many in counts.items())
    wanted = round(total / (3 if labels == "paper" else 2))
    free = {label: sum(room[name] for name in KINDS if KINDS[name].label == label) for label in (1, 0)}
    assert answers == min(wanted, free[1], free[0] // (2 if labels == "paper" else 1))


def test_with_room_the_kinds_get_their_shares() -> None:
    counts = quotas(300, "paper", SHARES, dict.fromkeys(KINDS, 1000))
    assert {name: round(many / (100 if KINDS[name].label else 200), 2) for name, many in counts.items()} == SHARES


def test_a_kind_with_share_nothing_is_left_out() -> None:
    counts = quotas(300, "balanced", {**SHARES, "clarifies": 0}, dict.fromkeys(KINDS, 1000))
    assert counts["clarifies"] == 0
    assert sum(counts.values()) == 300


def test_within_each_label_half_of_the_prompts_are_whole() -> None:
    for label in (1, 0):
        whole = {"whole": 1.0, "part": 0.0, "either": 0.5, "said": 1.0}
        own = [kind for kind in KINDS.values() if kind.label == label]
        assert abs(sum(kind.share * whole[kind.prompt] for kind in own) - 0.5) < 1e-9
        assert abs(sum(kind.share for kind in own) - 1) < 1e-9
