"""One form of a new mailing announces one mailing, also if it is submitted again after the browser went back.

The key of the form is in the URL of its page. Pages are not stored, so the browser requests this URL again when it goes
back; a key inside the page would be another one by then, while the browser restores what was typed.
"""

from __future__ import annotations

import json
import re
import secrets
from datetime import timedelta

from ..access.idempotency import register_request
from ..access.tokens import digest
from ..domain.decisions import MailingFields
from ..domain.mailing import Mailing
from ..mailings import lifecycle
from ..texts import Text
from .page_requests import PageRequest

ANNOUNCED = 303
"""The stored status of a form that announced a mailing. A repeated form is redirected to the same mailing."""

RETENTION = timedelta(days=30)
"""How long a key is kept: longer than a form stays open in a tab."""

FORM_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def new_form_key() -> str:
    return secrets.token_urlsafe(12)


def form_key(request: PageRequest) -> str | None:
    """The key in the URL; None if it is missing or has another shape."""
    key = request.query.get("key", "")
    return key if FORM_KEY.fullmatch(key) else None


def announce_once(request: PageRequest, fields: MailingFields) -> int:
    """Returns the id of the form's mailing. Raises KeyReused if the form announced a mailing with other fields."""
    services = request.services
    name = key_name(request.principal.name, form_key(request) or new_form_key())
    fingerprint = digest("mailing", json.dumps(fields, sort_keys=True, default=str))
    stored = register_request(
        services, name, fingerprint, lambda: lifecycle.new_mailing_id(services, fields), RETENTION
    )
    if stored.status_code is None:
        lifecycle.announce_mailing(services, fields, stored.reserved_id, request.author)
        services.idempotency_keys.save_answer(name, ANNOUNCED, "")
    return stored.reserved_id


def used_note(request: PageRequest, key: str) -> tuple[Text, Mailing | None] | None:
    """What the form with this key has announced, and the mailing if it still exists. None for an unused form."""
    services = request.services
    stored = services.idempotency_keys.find(key_name(request.principal.name, key), services.clock.now())
    if stored is None:
        return None
    mailing = services.mailings.get(stored.reserved_id)
    if mailing is not None:
        return Text("console.form_used", id=mailing.id), mailing
    return (Text("console.form_used_deleted", id=stored.reserved_id), None) if stored.status_code else None


def reused_note(request: PageRequest) -> tuple[Text, Mailing | None]:
    """Why a form with changed fields is refused, and the mailing that it announced, if that one exists."""
    used = used_note(request, form_key(request) or "")
    mailing = used[1] if used else None
    return (Text("console.form_reused", id=mailing.id) if mailing else Text("console.form_reused_lost")), mailing


def key_name(user: str, key: str) -> str:
    return digest("form", user, key)
