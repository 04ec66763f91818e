"""What a run would send and cost, before anything is sent: exact for the first round, a labelled range for the rest."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from selfinstruct.models import money
from selfinstruct.models.make import make_backend
from selfinstruct.pipeline import wiring
from selfinstruct.pipeline.recipe import Resolved, model_role
from selfinstruct.records import Completion, Failure, Request
from selfinstruct.stage import Bench, Pool, RoundStart, Traits

# Kept tasks per request for new ones: real runs lie between these, and nobody can know before asking.
_FEWEST_PER_REQUEST, _MOST_PER_REQUEST = 0.5, 6.0


class Unsent:
    """A model that only takes note of what it is asked."""

    def __init__(self, name: str, traits: Traits) -> None:
        """Stands for the model of that name."""
        self.name, self.traits = name, traits
        self.noted: list[Request] = []

    def complete(self, requests: Iterable[Request]) -> Iterator[Completion | Failure]:
        """Note every request; none is answered."""
        for request in requests:
            self.noted.append(request)
            yield Failure(request=request.key(self.name), kind="not_sent", message="dry run")
