"""What the values of conditions may be: suggested while a person types."""

from __future__ import annotations

from collections.abc import Iterable

from ..domain.condition import OPERATOR_CODE, TAG, TIMEZONE

RUSSIA = "ru"


def suggested_values(tags: Iterable[str], operator_codes: Iterable[str]) -> dict[str, list[str]]:
    """By the field, with the zones between which Russian phone numbers are. Any other zone may be typed.

    No values of attributes are known without a read of all clients.
    The zones of a country are read here: they take eight milliseconds, and most calls of the API show no form.
    """
    import pytz

    return {TAG: [*tags], OPERATOR_CODE: [*operator_codes], TIMEZONE: [*pytz.country_timezones[RUSSIA]]}
