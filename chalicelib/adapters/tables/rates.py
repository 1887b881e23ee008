"""The state of rate limits: a row for each bucket and each booking. Each use of one rewrites its row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from threading import Lock
from typing import Any, TypeVar

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.models import Model

from ...domain.rate import Booking, Bucket, Clocks
from ...errors import RowChanged
from ...retries import Backoff, retry_lost_races
from ..clock import Clock
from .base import bind_table, conflicts

BACKOFF = Backoff(first=0.01, longest=0.1, seconds=0.5)
"""Short: a sender takes permits for the next second or so, and its main thread claims no message meanwhile."""

KEPT_SECONDS = 86_400
"""Seconds: the state of a bucket has no effect after a quarter of an hour."""

State = TypeVar("State", Bucket, Booking)
T = TypeVar("T")


class RateRow(Model):
    class Meta:
        table_name = "rates"

    name = UnicodeAttribute(hash_key=True)
    state = JSONAttribute()
    version = NumberAttribute()
    expires_at = NumberAttribute()


class Rates:
    """Caches each row as last written or read. If no other process writes to it, a change is one write and no read."""

    def __init__(self, stack_name: str, clock: Clock) -> None:
        bind_table(RateRow, stack_name, clock)
        self._clock = clock
        self._cache: dict[str, tuple[int, dict[str, Any]]] = {}
        self._contended: set[str] = set()
        self._lock = Lock()

    def change(self, kind: type[State], name: str, decide: Callable[[State], tuple[State, T]]) -> T:
        """Write the state that `decide` returns for the row's state, and return its result.

        Calls `decide` again if another writer was first. Raises RowChanged if others are first in every try.
        """

        def attempt() -> T:
            version, state = self._current(name)
            after, result = decide(_from_state(kind, state))
            try:
                self._write(name, version, asdict(after))
            except RowChanged:
                self._contended.add(name)
                raise
            return result

        with self._lock:
            return retry_lost_races(self._clock, attempt, BACKOFF)

    def _current(self, name: str) -> tuple[int, dict[str, Any]]:
        """The cached row, or the row of the table after a lost race: a lost write costs as much as five reads."""
        cached = self._cache.get(name)
        if cached is not None and name not in self._contended:
            return cached
        read = self._read(name)
        if cached is None or cached[0] == read[0]:
            self._contended.discard(name)
        return read

    def _read(self, name: str) -> tuple[int, dict[str, Any]]:
        try:
            row = RateRow.get(name, consistent_read=True)
        except DoesNotExist:
            return 0, {}
        return int(row.version), row.state

    def _write(self, name: str, version: int, state: dict[str, Any]) -> None:
        row = RateRow(
            name, state=state, version=version + 1, expires_at=int(self._clock.now().timestamp()) + KEPT_SECONDS
        )
        unchanged = RateRow.version == version if version else RateRow.name.does_not_exist()
        with conflicts():
            row.save(condition=unchanged)
        self._cache[name] = version + 1, state


def _from_state(kind: type[State], state: dict[str, Any]) -> State:
    """JSON has only strings as names: mailing ids become numbers again."""
    if kind is Booking:
        return kind(**state)
    mailings = {int(mailing_id): Clocks(**clocks) for mailing_id, clocks in state.get("mailings", {}).items()}
    return kind(**{**state, "mailings": mailings})
