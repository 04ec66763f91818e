"""A card to vary."""

from typing import Any

from selfinstruct.formats.dataset_card import Card, FunnelLine


def card(**changes: Any) -> Card:
    facts: dict[str, Any] = {
        "title": "A: set # of - things",
        "about": "",
        "license": "other",
        "language": ["en"],
        "layout": "messages",
        "rows": 2,
        "tasks": 1,
        "seeds": 180,
        "seeds_source": "seeds.jsonl",
        "models": ["openai:some|model"],
        "profile": "default",
        "run_seed": 42,
        "version": "0",
        "fingerprint": "f" * 64,
        "stopped_because": "the target is reached",
        "target": 1,
        "funnel": [FunnelLine("novelty", 3, 1, {"too_similar": 2}, 0)],
        "stages": [("novelty", {"rouge_l_below": 0.7})],
        "requests": 1,
        "failed_requests": 0,
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "cost": None,
        "command": "selfinstruct run x.yaml",
        "example": None,
        "parquet": True,
    }
    return Card(**{**facts, **changes})
