"""One form of a new mailing announces one mailing or series, also if it is submitted again after the browser went back.

The key of the form is in the URL of its page. Pages are not stored, so the browser requests this URL again when it goes
back; a key inside the page would be another one by then, while the browser restores what was typed.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ..access.idempotency import register_request
from ..access.tokens import digest
from ..domain.decisions import MailingFields
from ..domain.series_decisions import SeriesFields
from ..mailings import lifecycle, series
from ..texts import Text
from .page_requests import PageRequest

ANNOUNCED = 303
"""The stored status of a form that announced a mailing. A repeated form is redirected to the same mailing."""

RETENTION = timedelta(days=30)
"""How long a key is kept: longer than a form stays open in a tab."""

OF_SERIES = "series:"
"""Begins the fingerprint of a form that announced a series."""

FORM_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def new_form_key() -> str:
    return secrets.token_urlsafe(12)


def form_key(request: PageRequest) -> str | None:
    """The key in the URL; None if it is missing or has another shape."""
    key = request.query.get("key", "")
    return key if FORM_KEY.fullmatch(key) else None


@dataclass(frozen=True)
class Announced:
    """What a form has announced: a mailing, or a series. `exists`: it is not deleted."""

    id: int
    is_series: bool
    exists: bool

    @property
    def used_note(self) -> Text:
        """Why the form cannot be filled in again."""
        if not self.exists:
            return Text("console.form_used_deleted", id=self.id)
        return Text("console.form_used_series", id=self.id) if self.is_series else Text("console.form_used", id=self.id)

    @property
    def reused_note(self) -> Text:
        """Why the form is refused with other values."""
        if self.is_series:
            return Text("console.form_reused_series", id=self.id)
        return Text("console.form_reused", id=self.id)


def announce_once(request: PageRequest, fields: MailingFields) -> int:
    """Returns the id of the form's mailing. Raises KeyReused if the form announced something else."""
    services = request.services
    return _once(
        request,
        _fingerprint("mailing", fields),
        lambda: lifecycle.new_mailing_id(services, fields),
        lambda mailing_id: lifecycle.announce_mailing(services, fields, mailing_id, request.author),
    )


def announce_series_once(request: PageRequest, fields: SeriesFields) -> int:
    """The same for a series."""
    services = request.services
    return _once(
        request,
        OF_SERIES + _fingerprint("series", fields),
        lambda: series.new_series_id(services, fields),
        lambda series_id: series.announce_series(services, fields, series_id, request.author),
    )


def _once(request: PageRequest, fingerprint: str, new_id: Callable[[], int], announce: Callable[[int], object]) -> int:
    name = key_name(request.principal.name, form_key(request) or new_form_key())
    stored = register_request(request.services, name, fingerprint, new_id, RETENTION)
    if stored.status_code is None:
        announce(stored.reserved_id)
        request.services.idempotency_keys.save_answer(name, ANNOUNCED, "")
    return stored.reserved_id


def _fingerprint(kind: str, fields: Mapping[str, object]) -> str:
    return digest(kind, json.dumps(fields, sort_keys=True, default=str))


def announced_by(request: PageRequest, key: str | None) -> Announced | None:
    """What the form with this key has announced. None for a form that is unused, or whose first use did not finish."""
    services = request.services
    stored = services.idempotency_keys.find(key_name(request.principal.name, key or ""), services.clock.now())
    if stored is None:
        return None
    is_series = stored.fingerprint.startswith(OF_SERIES)
    found = (services.series if is_series else services.mailings).get(stored.reserved_id)
    if found is None and stored.status_code is None:
        return None
    return Announced(stored.reserved_id, is_series, found is not None)


def what_was_announced(request: PageRequest) -> dict[str, Any]:
    """What the page shows of a form that is refused because it was used with other values, and its new key."""
    before = announced_by(request, form_key(request))
    exists = before is not None and before.exists
    note = before.reused_note if before and exists else Text("console.form_reused_lost")
    return {"note": note, "announced_before": before if exists else None, "key": new_form_key()}


def key_name(user: str, key: str) -> str:
    return digest("form", user, key)
