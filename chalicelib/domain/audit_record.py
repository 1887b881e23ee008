"""Who did what: one record of each change that a person or a program made by the API or the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

Fields = Mapping[str, object]

LONGEST_TEXT = 500
"""A message text may be longer than a row can be, and before and after make two of it."""

MADE, CHANGED, REMOVED = "made", "changed", "removed"


@dataclass(frozen=True)
class AuditRecord:
    """`number` orders them; `what` is `client`, `import`, `mailing` or `token`; None: there was, or is, nothing."""

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
    """Who makes a change, and when; `luck` (0 to 1) tells two changes of one microsecond apart."""

    name: str
    at: datetime
    jitter: float

    def record(
        self, what: str, name: object, before: Fields | None, after: Fields | None, action: str = ""
    ) -> AuditRecord:
        """Of a change only what it changed is kept. `action`: its own name, where it has one."""
        usual = MADE if before is None else REMOVED if after is None else CHANGED
        if before is not None and after is not None:
            different = {key for key in after if before.get(key) != after[key]}
            before = {key: value for key, value in before.items() if key in different}
            after = {key: value for key, value in after.items() if key in different}
        number = int(self.at.timestamp() * 1_000_000) * 1000 + int(self.jitter * 1000)
        return AuditRecord(number, self.at, self.name, action or usual, what, str(name), _cut(before), _cut(after))


def day_of(moment: datetime) -> int:
    """The day a record is stored under: days since 1 January of the year 1, in UTC."""
    return moment.toordinal()


def _cut(fields: Fields | None) -> Fields | None:
    if fields is None:
        return None
    return {key: value[:LONGEST_TEXT] if isinstance(value, str) else value for key, value in fields.items()}
