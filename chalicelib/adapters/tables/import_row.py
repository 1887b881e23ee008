"""The row of an import, of a refused row or of a client that an undo has left: attributes, index and conversion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.attributes import UTCDateTimeAttribute as Moment
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from ...domain.client_import import CLIENTS, OPEN, ChunkPlan, ClientImport, Tally, Undo
from ...domain.csv_file import FileFormat
from ...texts import AS_WRITTEN, Text, read_stored
from .base import TextAttribute

OPEN_KEY = "open"


class OpenImports(GlobalSecondaryIndex["ImportRow"]):  # type: ignore[no-untyped-call]
    """Keys only, so that the progress of an import does not also write to the index."""

    class Meta:
        index_name = "open"
        projection = KeysOnlyProjection()

    open = UnicodeAttribute(hash_key=True)
    import_id = NumberAttribute(range_key=True)


class ImportRow(Model):
    """The import (row 0), one of its refused rows, with `cells` and `errors`, or a client that its undo has left.

    The row of such a client is its negative id, and `errors` have the reason.
    """

    class Meta:
        table_name = "imports"

    import_id = NumberAttribute(hash_key=True)
    row = NumberAttribute(range_key=True)
    open = UnicodeAttribute(null=True)
    status = UnicodeAttribute(null=True)
    key = UnicodeAttribute(null=True)
    version = UnicodeAttribute(null=True)
    file_name = UnicodeAttribute(null=True)
    form = JSONAttribute(null=True)
    created_at = Moment(null=True)
    moved_at = Moment(null=True)
    finished_at = Moment(null=True)
    detail = TextAttribute(null=True)
    offset = NumberAttribute(null=True)
    rows_before = NumberAttribute(null=True)
    tally = JSONAttribute(null=True)
    plan = JSONAttribute(null=True)
    leased_until = NumberAttribute(null=True)
    claimed_by = UnicodeAttribute(null=True)
    lease = NumberAttribute(default=0)
    author = UnicodeAttribute(null=True)
    dry_run = BooleanAttribute(null=True)
    kind = UnicodeAttribute(null=True)
    traced = BooleanAttribute(null=True)
    undo = JSONAttribute(null=True)
    cells = JSONAttribute(null=True)
    errors = JSONAttribute(null=True)
    expires_at = NumberAttribute()
    open_index = OpenImports()

    def client_import(self) -> ClientImport:
        form = self.form
        return ClientImport(
            id=int(self.import_id),
            key=self.key,
            version=self.version,
            file_name=self.file_name,
            form=FileFormat(**{**form, **{name: tuple(form.get(name, ())) for name in ("columns", "names")}}),
            created_at=self.created_at,
            moved_at=self.moved_at,
            offset=int(self.offset),
            row=int(self.rows_before),
            status=self.status,
            tally=Tally(**self.tally),
            plan=_plan(self.plan),
            finished_at=self.finished_at,
            detail=self.detail,
            lease=int(self.lease),
            author=self.author or "",
            is_dry_run=bool(self.dry_run),
            kind=self.kind or CLIENTS,
            is_traced=bool(self.traced),
            undo=_undo(self.undo),
        )


def progress(client_import: ClientImport) -> list[Action]:
    actions: list[Action] = [
        ImportRow.status.set(client_import.status),
        ImportRow.moved_at.set(client_import.moved_at),
        ImportRow.offset.set(client_import.offset),
        ImportRow.rows_before.set(client_import.row),
        ImportRow.tally.set(asdict(client_import.tally)),
        ImportRow.plan.set(asdict(client_import.plan)) if client_import.plan else ImportRow.plan.remove(),
    ]
    if client_import.finished_at is not None:
        actions.append(ImportRow.finished_at.set(client_import.finished_at))
    if client_import.status not in OPEN:
        actions.append(ImportRow.open.remove())
    if client_import.undo is not None:
        actions.append(ImportRow.undo.set(_stored_undo(client_import.undo)))
    if client_import.detail is not None:
        actions.append(ImportRow.detail.set(client_import.detail))
    return actions


def stored_errors(errors: Mapping[str, list[Text]]) -> dict[str, list[dict[str, object]]]:
    return {name: [text.stored for text in texts] for name, texts in errors.items()}


def read_errors(stored: Mapping[str, list[Any]]) -> dict[str, list[Text]]:
    """A string is an English text that an earlier version wrote."""
    return {
        name: [read_stored(text) if isinstance(text, dict) else Text(AS_WRITTEN, text=text) for text in texts]
        for name, texts in stored.items()
    }


def _plan(stored: dict[str, Any] | None) -> ChunkPlan | None:
    if stored is None:
        return None
    blocks = tuple((first, number) for first, number in stored["blocks"])
    return ChunkPlan(Tally(**stored["tally"]), stored["rows"], blocks)


def _stored_undo(undo: Undo) -> dict[str, Any]:
    return {**asdict(undo), "began_at": undo.began_at.isoformat()}


def _undo(stored: dict[str, Any] | None) -> Undo | None:
    if stored is None:
        return None
    return Undo(**{**stored, "began_at": datetime.fromisoformat(stored["began_at"])})
