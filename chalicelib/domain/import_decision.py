"""What an import makes of its rows: new clients, changes of known ones, refusals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ..errors import FieldErrors
from .client import Client, attributes_error
from .client_import import STOP_COLUMN, Tally
from .consent import consent_size_errors, merge_consent


@dataclass(frozen=True)
class Decision:
    """`new`: clients without an id yet. `changes`: clients before and after. `refused`: errors by row number.

    `opted_out`: phone numbers that the file puts on the stop list.
    """

    new: list[Client]
    changes: list[tuple[Client, Client]]
    refused: dict[int, FieldErrors]
    tally: Tally
    opted_out: frozenset[str] = frozenset()


def merge_attributes(before: Mapping[str, str], names: Collection[str], given: Mapping[str, str]) -> dict[str, str]:
    """The attributes after those in `names` are replaced by `given`. A name that is not in `given` is removed."""
    kept = {name: value for name, value in before.items() if name not in names}
    return {**kept, **{name: given[name] for name in names if name in given}}


def decide(
    rows: Mapping[int, Mapping[str, Any]],
    known: Mapping[str, Client],
    stops: Mapping[str, datetime],
    attributes: Collection[str],
) -> Decision:
    """Decide about the rows in order. If a phone number occurs twice, the later row wins.

    `rows`: fields by row number. `known`: existing clients by phone number. `stops`: since when phone numbers without a
    client are on the stop list; a new client with such a number is opted out. `attributes`: names that the file sets.
    A stop of the file is added; no stop ends or changes its time.
    """
    clients, tally, refused, opted_out = dict(known), Tally(), {}, set()
    for number, row in rows.items():
        phone = row["phone_number"]
        before = clients.get(phone)
        current = before or Client(0, phone, opted_out_at=stops.get(phone))
        merged = merge_attributes(current.attributes, attributes, row.get("attributes", {}))
        consent = merge_consent(current, row)
        if errors := _errors_of_merged(merged, consent):
            refused[number] = errors
            tally += Tally(refused=1)
            continue
        stop = row.get(STOP_COLUMN)
        since = current.opted_out_at or stop
        after = clients[phone] = replace(current, **{**row, "attributes": merged, STOP_COLUMN: since, **consent})
        if after.opted_out_at != current.opted_out_at:
            opted_out.add(phone)
        tally += Tally(before is None, before not in (None, after), before == after, opted_out=stop is not None)
    new = [client for client in clients.values() if not client.id]
    changes = [(known[phone], client) for phone, client in clients.items() if client.id and client != known[phone]]
    return Decision(new, changes, refused, tally, frozenset(opted_out))


def _errors_of_merged(attributes: Mapping[str, str], consent: Mapping[str, Any]) -> FieldErrors:
    """What is valid in the file and in the client may not be together."""
    error = attributes_error(attributes)
    return consent_size_errors(consent) | ({"attributes": [error]} if error else {})
