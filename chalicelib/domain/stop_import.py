"""The decision about the rows of a file of the stop list."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from .client import Client
from .client_import import Tally
from .stop import BY_IMPORT, Stop


def decide_stops(
    rows: Mapping[int, Mapping[str, Any]], known: Mapping[str, Client], stops: Collection[str], since: datetime
) -> tuple[list[Stop], Tally]:
    """The stops to add, and the tally. A number that is on the list, or earlier in the file, stays as it is.

    `rows`: fields by row number. `known`: clients by phone number. `stops`: numbers on the list without a client.
    `since`: when the import began, for a row without a time. Each has a moment of its own, so that the index by times
    does not have them all under one key.
    """
    new: dict[str, Stop] = {}
    for number, row in rows.items():
        phone = row["phone_number"]
        client = known.get(phone)
        if phone in new or phone in stops or (client is not None and client.opted_out_at is not None):
            continue
        at = row.get("opted_out_at") or since + timedelta(microseconds=number)
        new[phone] = Stop(phone, at, BY_IMPORT, row.get("reason"), client.id if client else None)
    tally = Tally(added=len(new), unchanged=len(rows) - len(new), opted_out=len(rows))
    return list(new.values()), tally
