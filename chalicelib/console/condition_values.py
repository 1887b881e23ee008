"""What the values of conditions may be: suggested while a person types."""

from __future__ import annotations

from collections.abc import Iterable

RUSSIA = "ru"


def suggested_values(tags: Iterable[str], operator_codes: Iterable[str]) -> list[str]:
    """With the zones between which Russian phone numbers are. Any other zone may be typed.

    The zones of a country are read here: they take eight milliseconds, and most calls of the API show no form.
    """
    import pytz

    return list(dict.fromkeys([*tags, *operator_codes, *pytz.country_timezones[RUSSIA]]))
