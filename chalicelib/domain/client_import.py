"""An import of clients from a file, and its progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

from ..texts import Text
from .client import GIVEN_FIELDS, is_attribute_name
from .consent import CONSENT_FIELDS
from .csv_file import FileFormat

ATTRIBUTE_COLUMN = "attributes."
"""The prefix of the columns of attributes. The rest of the column's name is the name of the attribute."""

STOP_COLUMN = "opted_out_at"
"""Since when the client is on the stop list. A blank cell ends no stop."""

STATUS_COLUMN = "status"
"""Whether the person is subscribed, as other senders write it. It puts clients on the stop list, and takes none off."""

CLIENTS, STOP_LIST = "clients", "stop_list"
KINDS = (CLIENTS, STOP_LIST)
"""What the rows of a file are: clients, or phone numbers for the stop list."""

RUNNING, FINISHED, FAILED = "running", "finished", "failed"
UNDOING, UNDONE = "undoing", "undone"
STATUSES = (RUNNING, FINISHED, FAILED, UNDOING, UNDONE)
OPEN = (RUNNING, UNDOING)
"""A worker has something to do."""

CHUNK = 250
"""Rows that are decided and written together. An undo finds what a chunk did by the number of its first row."""

UNDO_WITHIN = timedelta(hours=24)

TRACES_KEPT = timedelta(days=2)
"""How long what a chunk did is kept for an undo. The bucket's lifecycle has the same number of days."""

KEPT = timedelta(days=30)
"""How long the file, the import and its refused rows are kept. The bucket's lifecycle has the same number of days."""

STALLED_AFTER = timedelta(minutes=5)

STOP_IF_MOST_ARE_REFUSED = 1000
STOP_IN_ANY_CASE = 100_000
"""Refused rows after which an import stops. Each refused row is stored: 12 KB of a wrong file would make 6,000."""


@dataclass(frozen=True)
class Tally:
    """Numbers of rows by result; `rows` is their sum. Of the accepted rows, `opted_out` put a phone number on the
    stop list, and `normalized` have one that was written in another way; both are also counted by their result.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    opted_out: int = 0
    normalized: int = 0

    @property
    def rows(self) -> int:
        return self.added + self.changed + self.unchanged + self.refused

    @property
    def has_too_many_refused(self) -> bool:
        """Whether so many rows are refused that the import of the others stops."""
        is_mostly_refused = 2 * self.refused > self.rows
        return self.refused >= (STOP_IF_MOST_ARE_REFUSED if is_mostly_refused else STOP_IN_ANY_CASE)

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


@dataclass(frozen=True)
class ChunkPlan:
    """The decision about the rows at the cursor. It is saved before the first client of the chunk is written.

    A repeated chunk has the same number of `rows`, blank rows included, adds the same `tally`, and gives new clients
    the ids of the same `blocks` (first id, number of ids).
    """

    tally: Tally
    rows: int
    blocks: tuple[tuple[int, int], ...] = ()

    @property
    def ids(self) -> list[int]:
        return [client_id for first, number in self.blocks for client_id in range(first, first + number)]


@dataclass(frozen=True)
class Undo:
    """The undo of an import: numbers of clients, and the cursor. The rows from `below` on are done."""

    began_at: datetime
    author: str
    below: int
    removed: int = 0
    restored: int = 0
    kept: int = 0


@dataclass(frozen=True)
class ClientImport:
    """`offset` and `row` are the cursor: the byte at which the next row begins, and the number of rows before it.

    `version`: the version of the file in the bucket. `lease` counts the leases of this import. `moved_at`: the time
    of the last progress. `author`: the name of the user or the token. `kind`: one of KINDS. A dry run counts what an
    import would do, and writes no client. `is_traced`: what it does is kept, so that it can be undone.
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
    author: str = ""
    is_dry_run: bool = False
    kind: str = CLIENTS
    is_traced: bool = False
    undo: Undo | None = None

    @property
    def first_row(self) -> int:
        """The number of rows before the first one that is imported."""
        return self.form.start if self.form.is_workbook else 1

    def chunk_before(self, row: int) -> int:
        """The number of rows before the last chunk that begins before this row."""
        return self.first_row + (row - 1 - self.first_row) // CHUNK * CHUNK

    def may_be_undone(self, now: datetime) -> bool:
        """The undo reads what the first chunk did last, and takes about as long as the import."""
        if not self.is_traced or self.status not in (FINISHED, FAILED) or self.finished_at is None:
            return False
        took = self.finished_at - self.created_at
        return now < min(self.finished_at + UNDO_WITHIN, self.created_at + TRACES_KEPT - took)

    @property
    def gives_stops(self) -> bool:
        return not {STOP_COLUMN, STATUS_COLUMN}.isdisjoint(self.form.columns)

    @property
    def given_fields(self) -> set[str]:
        """The fields that the file sets in existing clients. A field without a column keeps its value.

        Attributes and consents are merged.
        """
        return (set(GIVEN_FIELDS) - {"phone_number", "attributes", *CONSENT_FIELDS}) & set(self.form.columns)

    @property
    def given_attributes(self) -> tuple[str, ...]:
        """The attributes that have a column. Other attributes of a client keep their values."""
        return tuple(map(attribute_of, filter(is_attribute_column, self.form.columns)))

    def is_stalled(self, now: datetime) -> bool:
        return self.status in OPEN and self.moved_at + STALLED_AFTER < now

    def after_chunk(self, plan: ChunkPlan, corrections: Tally, end: int, now: datetime) -> ClientImport:
        """`end`: the offset behind the chunk. `corrections`: what its writes found otherwise than its plan."""
        tally = self.tally + plan.tally + corrections
        return replace(self, tally=tally, offset=end, row=self.row + plan.rows, plan=None, moved_at=now)

    def ended(self, status: str, now: datetime, detail: Text | None = None) -> ClientImport:
        return replace(self, status=status, finished_at=now, moved_at=now, detail=detail, plan=None)


@dataclass(frozen=True)
class RefusedRow:
    """`number`: as in a spreadsheet, where the column names are row 1. `cells`: unchanged, by their columns' names."""

    number: int
    cells: Mapping[str, str]
    errors: Mapping[str, list[Text]]


@dataclass(frozen=True)
class KeptClient:
    """A client of which an undo could not take back all."""

    id: int
    reason: Text


def is_attribute_column(name: str) -> bool:
    return name.startswith(ATTRIBUTE_COLUMN) and is_attribute_name(attribute_of(name))


def attribute_of(column: str) -> str:
    return column.removeprefix(ATTRIBUTE_COLUMN)


def cells_by_column(form: FileFormat, cells: Sequence[str]) -> dict[str, str]:
    """The cells by the name of the column. Cells beyond the last column are joined under the name `(more)`."""
    by_column = dict(zip(form.labels, cells, strict=False))
    extra = cells[len(form.columns) :]
    return {**by_column, "(more)": form.delimiter.join(extra)} if any(map(str.strip, extra)) else by_column
