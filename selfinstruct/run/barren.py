"""Why many requests in a row gave nothing: no answers, nothing usable, or nothing new."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from selfinstruct.stage import Stage
from selfinstruct.store.run_folder import StageResult

Why = Literal["dried_up", "unanswered", "unusable"]


@dataclass(slots=True)
class Barren:
    """The rounds since a task was last kept."""

    requests: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    """Requests for new tasks that failed, by kind."""
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Candidates that stopped, by stage and reason."""
    new: set[str] = field(default_factory=set)
    """Stages that ask whether a candidate is new, for they look at others as well."""

    def add(self, stage: Stage, result: StageResult) -> None:
        """What a stage of a round without a task said."""
        if stage.scope == "source":
            self.requests += result.requests
            self.unanswered.update(result.failed)
        else:
            self.lost.update({(stage.name, kind): count for kind, count in result.failed.items()})
        self.lost.update({(stage.name, reason): count for reason, count in result.rejected.items()})
        if stage.scope in ("ordered", "set"):
            self.new.add(stage.name)

    def why(self) -> tuple[Why, str]:
        """The reason that most had, and in how many words."""
        failed = self.unanswered.total()
        if 2 * failed > self.requests:
            [(kind, count)] = self.unanswered.most_common(1)
            return "unanswered", f"{failed:,} of {self.requests:,} requests failed, {count:,} as {kind}"
        for (stage, reason), count in self.lost.most_common(1):
            if stage not in self.new:
                return "unusable", f"{count:,} of {self.lost.total():,} candidates stopped at {stage} as {reason}"
        return "dried_up", ""
