"""The undo of an import: what the import did to each client, and what of it can be undone.

An opt-out and a withdrawn consent are never undone. A field is restored if it is still as the import left it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ..texts import Text
from .client import GIVEN_FIELDS, Client
from .client_import import ATTRIBUTE_COLUMN

STOPS = ("opted_out_at", "consent_withdrawn_at")
FIELDS = tuple(name for name in GIVEN_FIELDS if name not in ("phone_number", "attributes", *STOPS))
CONSENT = ("consent_at", "consent_source", "consent_text")
"""They belong together: a consent is restored with its source and its text, or not at all."""

CHANGED_SINCE, GONE = Text("undo.changed_since"), Text("undo.gone")


@dataclass(frozen=True)
class Trace:
    """What an import did to a client: the values of the fields before and after. `before` is None for an added client.

    Only the fields that differ; of an added client all. An attribute has the name of its column.
    """

    client_id: int
    phone_number: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


@dataclass(frozen=True)
class UndoStep:
    """What is done with a client: it is removed, changed into `after`, or left. `kept`: why not all can be undone."""

    client_id: int
    current: Client | None
    after: Client | None = None
    removes: bool = False
    kept: Text | None = None


def trace_of_new(client: Client) -> Trace:
    return Trace(client.id, client.phone_number, None, _all_values(client))


def trace_of_change(before: Client, after: Client) -> Trace:
    old, new = _values(before), _values(after)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    if any(name in CONSENT for name in names):
        names = list(dict.fromkeys([*names, *CONSENT]))
    return Trace(
        before.id, before.phone_number, {name: old.get(name) for name in names}, {name: new.get(name) for name in names}
    )


def undo_step(trace: Trace, current: Client | None) -> UndoStep:
    """Decides from the client as it is now, so that a repetition decides the same about what is already undone."""
    if trace.before is None:
        return _undo_new(trace, current)
    if current is None:
        return UndoStep(trace.client_id, None, kept=GONE)
    values = _values(current)
    given, old = trace.after, trace.before
    changed = {name for name in given if values.get(name) not in (given[name], old[name])}
    if not changed.isdisjoint(CONSENT):
        changed |= set(CONSENT)
    restored = _with({name: value for name, value in old.items() if name not in changed}, current)
    kept = CHANGED_SINCE if changed else None
    return UndoStep(current.id, current, None if restored == current else restored, kept=kept)


def _undo_new(trace: Trace, current: Client | None) -> UndoStep:
    """A client that is gone has nothing left to undo."""
    if current is None:
        return UndoStep(trace.client_id, None, removes=True)
    if current.phone_number != trace.phone_number or _all_values(current) != dict(trace.after):
        return UndoStep(trace.client_id, current, kept=CHANGED_SINCE)
    return UndoStep(trace.client_id, current, removes=True)


def merge_traces(earlier: Iterable[Trace], later: Iterable[Trace]) -> list[Trace]:
    """Of two tries of one chunk. What the first one wrote, the second one finds unchanged and has no trace of."""
    merged = {trace.phone_number: trace for trace in earlier}
    for trace in later:
        merged[trace.phone_number] = _merged(merged.get(trace.phone_number), trace)
    return list(merged.values())


def _merged(first: Trace | None, second: Trace) -> Trace:
    """Of one phone number. Two changes of one client become one, with the fields of both."""
    if first is None or first.client_id != second.client_id or first.before is None or second.before is None:
        return second
    return replace(second, before={**first.before, **second.before}, after={**first.after, **second.after})


def write_traces(traces: Sequence[Trace]) -> bytes:
    rows = [[one.client_id, one.phone_number, one.before, one.after] for one in traces]
    return gzip.compress(json.dumps(rows, ensure_ascii=False, default=_stored).encode(), mtime=0)


def read_traces(content: bytes) -> list[Trace]:
    rows = json.loads(gzip.decompress(content), object_hook=_read)
    return [Trace(*row) for row in rows]


def _values(client: Client) -> dict[str, Any]:
    """The fields that an undo restores and compares. A blank one is left out."""
    attributes = {f"{ATTRIBUTE_COLUMN}{name}": value for name, value in client.attributes.items()}
    values = {name: getattr(client, name) for name in FIELDS} | attributes
    return {name: value for name, value in values.items() if value is not None}


def _all_values(client: Client) -> dict[str, Any]:
    """Also what an undo never takes back. A client that opted out after the import has changed since."""
    stops = {name: moment for name in STOPS if (moment := getattr(client, name)) is not None}
    return {**_values(client), **stops}


def _with(values: Mapping[str, Any], client: Client) -> Client:
    attributes = dict(client.attributes)
    fields = {}
    for name, value in values.items():
        if not name.startswith(ATTRIBUTE_COLUMN):
            fields[name] = value
        elif value is None:
            attributes.pop(name.removeprefix(ATTRIBUTE_COLUMN), None)
        else:
            attributes[name.removeprefix(ATTRIBUTE_COLUMN)] = value
    return replace(client, **fields, attributes=attributes)


def _stored(value: object) -> dict[str, str]:
    assert isinstance(value, datetime)
    return {"moment": value.isoformat()}


def _read(stored: dict[str, Any]) -> object:
    return datetime.fromisoformat(stored["moment"]) if stored.keys() == {"moment"} else stored
