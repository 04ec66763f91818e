"""Ids that were read before, as hashes: a record that stands twice gets another, a user's that does is told."""

import hashlib
import json
from dataclasses import replace

from selfinstruct.records import Task


class SeenIds:
    """The ids of what was read before, by the inputs that share it."""

    def __init__(self) -> None:
        self._tasks: set[int] = set()
        self._ids: set[int] = set()
        self._following: dict[int, int] = {}

    def source(self) -> None:
        """Another input begins: its own ids are its own."""
        self._ids = set()

    def claim(self, mine: object) -> bool:
        """Whether a user's id is new; only texts and numbers are ids."""
        if isinstance(mine, bool) or not isinstance(mine, int | str):
            return True
        key = int.from_bytes(hashlib.blake2b(json.dumps(mine).encode(), digest_size=16).digest())
        if key in self._ids:
            return False
        self._ids.add(key)
        return True

    def distinct(self, task: Task) -> Task:
        """The task, with an ordinal when one like it came before."""
        key = _key(task)
        if key in self._tasks:
            eldest = _key(replace(task, ordinal=0)) if task.ordinal else key
            while key in self._tasks:
                self._following[eldest] = self._following.get(eldest, 0) + 1
                task = replace(task, ordinal=self._following[eldest])
                key = _key(task)
        self._tasks.add(key)
        return task


def _key(task: Task) -> int:
    return int(task.id[:32], 16)
