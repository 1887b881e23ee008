"""What the values of conditions may be: suggested while a person types."""

from __future__ import annotations

from collections.abc import Iterable

import pytz

SUGGESTED_ZONES = tuple(pytz.country_timezones["ru"])
"""Those between which Russian phone numbers are. Any other zone may be typed."""


def suggested_values(tags: Iterable[str], operator_codes: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*tags, *operator_codes, *SUGGESTED_ZONES]))
