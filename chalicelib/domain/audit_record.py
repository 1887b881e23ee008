"""An audit record: one change that a user or a token made through the API or the console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from .masking import mask_phones, mask_text

Fields = Mapping[str, object]

MAX_TEXT_LENGTH = 500
"""Characters. A message text may exceed the size of a row, and a record holds it twice, before and after."""

MAX_NUMBER = 10**20
"""Higher than the number of any record."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NUMBERS_A_DAY = 24 * 3600 * 10**9

MADE, CHANGED, REMOVED = "made", "changed", "removed"

KINDS = ("mailing", "series", "segment", "client", "phone", "import", "template", "test_message", "token", "user")
"""Kinds of objects that have records."""

OF_PEOPLE = ("client", "phone", "test_message")
"""Kinds of objects that tell about a person: their records have no complete phone number and no attribute value."""

MASK = "***"
"""Stands for the value of an attribute."""

MASKED_FIELDS = ("consent_source",)
"""It may have an address: its records outlive the person's data."""


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

    @property
    def masked(self) -> AuditRecord:
        """Without complete phone numbers and values of attributes, if the object tells about a person."""
        if self.what not in OF_PEOPLE:
            return self
        return replace(self, before=_masked(self.before), after=_masked(self.after))


@dataclass(frozen=True)
class AuditFilter:
    """Which records are wanted: those of an author, of a kind of object, of an object. A blank text wants any.

    `at_from`, `at_before`: from this moment on, and before that one.
    """

    who: str = ""
    what: str = ""
    id: str = ""
    at_from: datetime | None = None
    at_before: datetime | None = None

    @property
    def is_all(self) -> bool:
        """Whether each record of the time is wanted."""
        return not (self.who or self.what or self.id)

    @property
    def first_number(self) -> int:
        """No record with a lower number is wanted."""
        return number_at(self.at_from) if self.at_from else 0

    def wants(self, record: AuditRecord) -> bool:
        pairs = ((self.who, record.who), (self.what, record.what), (self.id, record.id))
        is_later = self.at_before is not None and record.number >= number_at(self.at_before)
        return (
            record.number >= self.first_number
            and not is_later
            and all(wanted in ("", found) for wanted, found in pairs)
        )

    def newest(self, now: datetime) -> tuple[int, int]:
        """The day of the newest record that may be wanted, and a number above it."""
        if self.at_before is None or self.at_before > now:
            return day_of(now), MAX_NUMBER
        return day_of(self.at_before), number_at(self.at_before)


EVERY_RECORD = AuditFilter()


@dataclass(frozen=True)
class Author:
    """The user or token that makes a change, and when. `jitter` (0 to 1) separates changes of one microsecond."""

    name: str
    at: datetime
    jitter: float

    def numbered(self, number: int) -> Author:
        """The author of one of several changes of this moment: the records of each get numbers of their own."""
        return replace(self, at=self.at + timedelta(microseconds=number))

    def record(
        self, what: str, name: object, before: Fields | None, after: Fields | None, action: str = ""
    ) -> AuditRecord:
        """A change keeps only the fields that differ. `action`: by default `made`, `changed` or `removed`.

        The record of a client or of a test message has its phone number and its texts masked.
        """
        default = MADE if before is None else REMOVED if after is None else CHANGED
        if before is not None and after is not None:
            before, after = _different(before, after), _different(after, before)
        number = number_at(self.at) + int(self.jitter * 1000)
        record = AuditRecord(number, self.at, self.name, action or default, what, str(name), before, after).masked
        return replace(record, before=_cut(record.before), after=_cut(record.after))


def day_of(moment: datetime) -> int:
    """The partition of a record: the proleptic Gregorian ordinal of its day in UTC."""
    return moment.toordinal()


def number_at(moment: datetime) -> int:
    """The lowest number of the records of this microsecond."""
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def first_number(day: int) -> int:
    """The lowest number of the records of this day."""
    return (day - day_of(EPOCH)) * NUMBERS_A_DAY


def day_of_number(number: int) -> int:
    """The day of a record, by its number."""
    return number // NUMBERS_A_DAY + day_of(EPOCH)


def _different(fields: Fields, other: Fields) -> Fields:
    """The fields whose values `other` does not have; of attributes, those alone that differ."""
    different = {key: value for key, value in fields.items() if other.get(key) != value}
    return {key: _unlike(value, other.get(key)) for key, value in different.items()}


def _unlike(value: object, other: object) -> object:
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        return {key: item for key, item in value.items() if key not in other or other[key] != item}
    return value


def _masked(fields: Fields | None) -> Fields | None:
    """Phone numbers keep their first four digits, attributes keep their names."""
    if fields is None:
        return None
    return {key: MASK if value and key in MASKED_FIELDS else _mask(value) for key, value in fields.items()}


def _mask(value: object) -> object:
    match value:
        case str():
            return mask_phones(mask_text(value))
        case Mapping():
            return dict.fromkeys(value, MASK)
    return value


def _cut(fields: Fields | None) -> Fields | None:
    if fields is None:
        return None
    return {key: value[:MAX_TEXT_LENGTH] if isinstance(value, str) else value for key, value in fields.items()}
