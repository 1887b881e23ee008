"""What rate limits are kept by: a row for each bucket and booking, which whoever takes from it writes anew."""

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
from ..clock import Clock
from .base import conflicts, place

ATTEMPTS = 12
PAUSE = 0.01
"""Seconds, at most, after the first attempt; so much more after each further one."""

KEPT_SECONDS = 86_400
"""Nothing in a bucket matters for longer than a quarter of an hour."""

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
    """Remembers each row as it last wrote or read it, so that taking from a bucket is one write, and no read."""

    def __init__(self, stack_name: str, clock: Clock) -> None:
        place(RateRow, stack_name, "rates")
        self._clock = clock
        self._known: dict[str, tuple[int, dict[str, Any]]] = {}
        self._lock = Lock()

    def change(self, kind: type[State], name: str, decide: Callable[[State], tuple[State, T]]) -> T:
        """Write what `decide` makes of the row, and answer with what it decided.

        It is asked again where another writer came first; RowChanged where others did over and over.
        """
        with self._lock:
            for attempt in range(ATTEMPTS):
                version, state = self._known.get(name) or self._read(name)
                after, decided = decide(_from_state(kind, state))
                try:
                    self._write(name, version, asdict(after))
                except RowChanged:
                    self._known.pop(name, None)
                    self._clock.sleep(self._clock.jitter() * PAUSE * (attempt + 1))
                    continue
                return decided
        raise RowChanged

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
        self._known[name] = version + 1, state


def _from_state(kind: type[State], state: dict[str, Any]) -> State:
    """JSON knows no numbers as names."""
    if kind is Booking:
        return kind(**state)
    mailings = {int(mailing_id): Clocks(**clocks) for mailing_id, clocks in state.get("mailings", {}).items()}
    return kind(**{**state, "mailings": mailings})
