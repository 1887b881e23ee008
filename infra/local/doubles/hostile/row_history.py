"""Rows that remember their changes, for reads that lag behind and for tests that ask what was true a moment ago."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from infra.local.doubles.fake_clock import FakeClock

REMEMBERED = 500


class RowHistory(dict[Any, Any]):
    """A dictionary of rows that keeps the last changes: when, the key, and the value before, or None."""

    def __init__(self, clock: FakeClock, rows: Mapping[Any, Any]) -> None:
        super().__init__(rows)
        self._clock = clock
        self._before: deque[tuple[datetime, Any, Any]] = deque(maxlen=REMEMBERED)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._before.append((self._clock.now(), key, self.get(key)))
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self._before.append((self._clock.now(), key, self.get(key)))
        super().__delitem__(key)

    def as_of(self, moment: datetime) -> dict[Any, Any]:
        """The rows as they were at this moment."""
        rows = dict(self)
        for at, key, value in reversed(self._before):
            if at <= moment:
                break
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value
        return rows

    def versions(self, key: Any, since: datetime) -> list[Any]:
        """The present value of the row and those that it had since this moment; None is no row."""
        versions = [self.get(key)]
        for at, changed, value in reversed(self._before):
            if at < since:
                break
            if changed == key:
                versions.append(value)
        return versions
