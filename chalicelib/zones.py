"""Time zones by their names, as pytz has them."""

from __future__ import annotations

from datetime import tzinfo


def zone(name: str) -> tzinfo:
    import pytz  # asked for by mailings with local hours alone: the others' workers start sooner without it

    return pytz.timezone(name)
