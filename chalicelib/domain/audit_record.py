"""An audit record: one change that a user or a token made through the API or the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

Fields = Mapping[str, object]

MAX_TEXT_LENGTH = 500
"""Characters. A message text may exceed the size of a row, and a record holds it twice, before and after."""

MADE, CHANGED, REMOVED = "made", "changed", "removed"


@dataclass(frozen=True)
class AuditRecord:
    """`number` orders the records. `who` is the name of a user or a token. `what` is the kind of the object.

    `before` is None for a new object, `after` is None for a removed one.
    """

    number: int
    at: datetime
    who: str
    action: str
    what: str
    id: str
    before: Fields | None
    after: Fields | None


@dataclass(frozen=True)
class Author:
    """The user or token that makes a change, and when. `jitter` (0 to 1) separates changes of one microsecond."""

    name: str
    at: datetime
    jitter: float

    def record(
        self, what: str, name: object, before: Fields | None, after: Fields | None, action: str = ""
    ) -> AuditRecord:
        """A change keeps only the fields that differ. `action`: by default `made`, `changed` or `removed`."""
        default = MADE if before is None else REMOVED if after is None else CHANGED
        if before is not None and after is not None:
            different = {key for key in after if before.get(key) != after[key]}
            before = {key: value for key, value in before.items() if key in different}
            after = {key: value for key, value in after.items() if key in different}
        number = int(self.at.timestamp() * 1_000_000) * 1000 + int(self.jitter * 1000)
        return AuditRecord(number, self.at, self.name, action or default, what, str(name), _cut(before), _cut(after))


def day_of(moment: datetime) -> int:
    """The partition of a record: the proleptic Gregorian ordinal of its day in UTC."""
    return moment.toordinal()


def _cut(fields: Fields | None) -> Fields | None:
    if fields is None:
        return None
    return {key: value[:MAX_TEXT_LENGTH] if isinstance(value, str) else value for key, value in fields.items()}
