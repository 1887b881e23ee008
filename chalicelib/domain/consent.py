"""Consents to marketing: what a client's record may have, and how an import changes it.

A mailing has a purpose. `marketing` is the only one that needs a consent, so the consent of a client is about it. A
withdrawal is a moment of its own beside the consent: the record of the consent stays, and a newer consent counts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ..errors import FieldErrors
from ..texts import Text
from .client import Client

SERVICE, MARKETING = "service", "marketing"
PURPOSES = (SERVICE, MARKETING)
"""Of mailings. `service`, the default, is about what the client has ordered, and needs no consent."""

TEXT_FIELDS = ("consent_source", "consent_text")
CONSENT_FIELDS = ("consent_at", *TEXT_FIELDS, "consent_withdrawn_at")

NO_CONSENT = Text("consent.none")
CONSENT_WITHDRAWN = Text("consent.withdrawn")

MAX_TEXT = 500
"""Characters of `consent_text`."""

MAX_CONSENT_SIZE = 1024
"""Bytes of `consent_source` and `consent_text` in UTF-8, so that the row of a client stays below 4 KB."""

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)
"""The clock of a caller may be ahead. A consent must not be newer than a withdrawal that comes after it."""


def consent_refusal(client: Client) -> Text | None:
    """Why marketing may not be sent to the client; None if its consent allows it."""
    if client.consent is not None:
        return None
    return NO_CONSENT if client.consent_withdrawn_at is None else CONSENT_WITHDRAWN


def consent_of(client: Client) -> dict[str, Any]:
    """The consent fields of the client by name."""
    return {name: getattr(client, name) for name in CONSENT_FIELDS}


def consent_errors(consent: Mapping[str, Any], now: datetime) -> FieldErrors:
    """The errors of consent fields that are valid one by one. Empty if there are none."""
    errors: FieldErrors = {}
    for name in ("consent_at", "consent_withdrawn_at"):
        moment = consent.get(name)
        if moment is not None and not EARLIEST <= moment <= now + AHEAD:
            errors[name] = [Text("consent.moment", first=EARLIEST.year)]
    if _texts_of(consent) and consent.get("consent_at") is None:
        errors["consent_at"] = [Text("consent.without_moment")]
    return errors | consent_size_errors(consent)


def consent_size_errors(consent: Mapping[str, Any]) -> FieldErrors:
    if sum(len(text.encode()) for text in _texts_of(consent)) <= MAX_CONSENT_SIZE:
        return {}
    return {"consent_text": [Text("consent.too_large", most=MAX_CONSENT_SIZE)]}


def _texts_of(consent: Mapping[str, Any]) -> list[str]:
    return [consent[name] for name in TEXT_FIELDS if consent.get(name)]


def merge_consent(before: Client, given: Mapping[str, Any]) -> dict[str, Any]:
    """The consent fields of a client after an import: the newer consent, and the newer withdrawal.

    So a file of whatever age undoes no withdrawal, and a repetition changes nothing. A missing or blank value changes
    nothing. Source and text belong to their moment: those of an older consent are not kept for a newer one.
    """
    moments = (before.consent_withdrawn_at, given.get("consent_withdrawn_at"))
    withdrawn_at = max((moment for moment in moments if moment is not None), default=None)
    consent = consent_of(before)
    moment = given.get("consent_at")
    if moment is not None and (before.consent_at is None or moment >= before.consent_at):
        is_same = moment == before.consent_at
        texts = {name: given.get(name) or (consent[name] if is_same else None) for name in TEXT_FIELDS}
        consent = {**consent, "consent_at": moment, **texts}
    return {**consent, "consent_withdrawn_at": withdrawn_at}


def replaces_consent(before: Client, after: Client) -> bool:
    """Whether more than a first consent was recorded: an audit record keeps what was there."""
    is_first = before.consent_at is None and before.consent_withdrawn_at is None and after.consent_withdrawn_at is None
    return consent_of(before) != consent_of(after) and not is_first
