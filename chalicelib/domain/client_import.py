"""An import of clients from a file: how far it is, and what becomes of a row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from ..texts import Text
from .client import GIVEN_FIELDS, Client, attributes_error, is_attribute_name
from .csv_file import FileFormat

ATTRIBUTE_COLUMN = "attributes."
"""A column whose name begins so is an attribute, named by the rest."""

RUNNING, FINISHED, FAILED = "running", "finished", "failed"
STATUSES = (RUNNING, FINISHED, FAILED)

KEPT = timedelta(days=30)
"""The file, the import and its refused rows go after this; the bucket's lifecycle says the same."""

STALLED_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class Tally:
    """What became of the rows: `rows` is the sum of the others."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0

    @property
    def rows(self) -> int:
        return self.added + self.changed + self.unchanged + self.refused

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True)
class ChunkPlan:
    """What was decided about the rows at the cursor, kept before the first of them is written.

    A chunk that is done again is the same `rows` (blank ones too), counts as it was counted the first time, and
    gives the ids of `blocks`: first id and how many.
    """

    tally: Tally
    rows: int
    blocks: tuple[tuple[int, int], ...] = ()

    @property
    def ids(self) -> list[int]:
        return [client_id for first, number in self.blocks for client_id in range(first, first + number)]


@dataclass(frozen=True)
class ClientImport:
    """`offset` and `row` are the cursor: the byte at which the next row begins, and the rows of the file before it.

    `version`: the file's, as the bucket calls it. `lease`: the number of the worker's turn. `moved_at`: of its
    last step.
    """

    id: int
    key: str
    version: str
    file_name: str
    form: FileFormat
    created_at: datetime
    moved_at: datetime
    offset: int
    row: int = 1
    status: str = RUNNING
    tally: Tally = Tally()
    plan: ChunkPlan | None = None
    finished_at: datetime | None = None
    detail: Text | None = None
    lease: int = 0

    @property
    def given_fields(self) -> set[str]:
        """What the file decides about a client that is known; a column that is absent leaves it as it is."""
        return (set(GIVEN_FIELDS) - {"phone_number", "attributes"}) & set(self.form.columns)

    @property
    def given_attributes(self) -> tuple[str, ...]:
        """The attributes that have a column of their own; a client keeps any other."""
        return tuple(map(attribute_of, filter(is_attribute_column, self.form.columns)))

    def is_stalled(self, now: datetime) -> bool:
        return self.status == RUNNING and self.moved_at + STALLED_AFTER < now

    def ended(self, status: str, now: datetime, detail: Text | None = None) -> ClientImport:
        return replace(self, status=status, finished_at=now, moved_at=now, detail=detail, plan=None)


@dataclass(frozen=True)
class RefusedRow:
    """`number` as a spreadsheet counts, the names of the columns being row 1; `cells` by column, as typed."""

    number: int
    cells: Mapping[str, str]
    errors: Mapping[str, list[Text]]


@dataclass(frozen=True)
class Decision:
    """`new` clients have no id yet; `changes` are before and after; `refused`: rows by number, with what is wrong."""

    new: list[Client]
    changes: list[tuple[Client, Client]]
    refused: dict[int, Text]
    tally: Tally


def is_attribute_column(name: str) -> bool:
    return name.startswith(ATTRIBUTE_COLUMN) and is_attribute_name(attribute_of(name))


def attribute_of(column: str) -> str:
    return column.removeprefix(ATTRIBUTE_COLUMN)


def with_given(before: Mapping[str, str], names: Collection[str], given: Mapping[str, str]) -> dict[str, str]:
    """A client's attributes after those of these `names` became as given, where a blank one is none."""
    kept = {name: value for name, value in before.items() if name not in names}
    return {**kept, **{name: given[name] for name in names if name in given}}


def decide(
    rows: Mapping[int, Mapping[str, Any]],
    known: Mapping[str, Client],
    stops: Mapping[str, datetime],
    attributes: Collection[str],
) -> Decision:
    """One row after the other, as if each were written before the next is read: of a phone doubled the later wins.

    `rows` by their numbers. `stops`: since when phone numbers that nobody has are on the stop list; their clients are
    opted out from the start. `attributes`: names of those that the file decides.
    """
    clients, tally, refused = dict(known), Tally(), {}
    for number, row in rows.items():
        phone = row["phone_number"]
        before = clients.get(phone)
        start = before or Client(0, phone, opted_out_at=stops.get(phone))
        own = with_given(start.attributes, attributes, row.get("attributes", {}))
        if error := attributes_error(own):
            refused[number] = error
            tally += Tally(refused=1)
            continue
        after = clients[phone] = replace(start, **{**row, "attributes": own})
        tally += Tally(added=before is None, changed=before not in (None, after), unchanged=before == after)
    new = [client for client in clients.values() if not client.id]
    changes = [(known[phone], client) for phone, client in clients.items() if client.id and client != known[phone]]
    return Decision(new, changes, refused, tally)


def tell_cells(form: FileFormat, cells: Sequence[str]) -> dict[str, str]:
    """The cells by their columns; those beyond the columns under one name of their own."""
    told = dict(zip(form.columns, cells, strict=False))
    beyond = cells[len(form.columns) :]
    return {**told, "(more)": form.delimiter.join(beyond)} if beyond else told
