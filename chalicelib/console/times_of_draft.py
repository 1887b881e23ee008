"""The start and the end of a mailing that a person leaves blank: it starts at once, and ends a day later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

from ..errors import BadInput
from ..fields import MAILING
from ..rules import read_fields

USUAL_LENGTH = timedelta(days=1)
"""Long enough for local hours to open in each time zone."""

LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


def times_of(values: Mapping[str, object], now: datetime) -> dict[str, object]:
    """`datetime_start` and `datetime_end` as they are typed, with moments for those left blank."""
    start = values["datetime_start"] or _written(now)
    return {"datetime_start": start, "datetime_end": values["datetime_end"] or _usual_end(start, now)}


def _usual_end(start: object, now: datetime) -> str:
    """A start that is wrong is refused by itself, not together with its end."""
    try:
        known = {"datetime_start": MAILING["datetime_start"]}
        begins = cast(datetime, read_fields({"datetime_start": start}, known, set(), partial=True)["datetime_start"])
    except BadInput:
        begins = now
    return _written(min(max(begins, now), LAST_MOMENT - USUAL_LENGTH) + USUAL_LENGTH)


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
