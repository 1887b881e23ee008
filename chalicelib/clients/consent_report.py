"""The report on one client's consent, for a regulator: the consent, its withdrawal, and the messages to the client.

Times are in the client's own time zone, with its offset at that moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ..domain.client import Client
from ..zones import zone
from .history import MailedMessage

REPORT_FIELDS = (
    "kind",
    "at",
    "phone_number",
    "timezone",
    "source",
    "text",
    "mailing_id",
    "message_id",
    "purpose",
    "status",
    "sent_at",
    "consent_at",
    "reason",
)

Row = dict[str, object]


def consent_rows(client: Client) -> list[Row]:
    """The consent and its withdrawal, if there are any."""
    consent = {"source": client.consent_source, "text": client.consent_text}
    rows = [_row(client, "consent", client.consent_at, **consent)] if client.consent_at else []
    withdrawn_at = client.consent_withdrawn_at
    return [*rows, _row(client, "withdrawal", withdrawn_at)] if withdrawn_at else rows


def message_rows(client: Client, mailed: Sequence[MailedMessage]) -> list[Row]:
    """`at`: when the mailing took the client. `text`: as it was when the message was sent, with its placeholders."""
    return [_message_row(client, one) for one in mailed]


def _message_row(client: Client, mailed: MailedMessage) -> Row:
    mailing, message = mailed.mailing, mailed.message
    return _row(
        client,
        "message",
        message.created_at,
        text=mailing.text_of(message),
        mailing_id=mailing.id,
        message_id=message.id,
        purpose=mailing.purpose,
        status=message.status,
        sent_at=_local(message.sent_at, client.timezone),
        consent_at=_local(message.consent_at, client.timezone),
        reason=str(message.last_error) if message.last_error else None,
    )


def _row(client: Client, kind: str, at: datetime | None, **fields: object) -> Row:
    about = {"phone_number": client.phone_number, "timezone": client.timezone}
    return {"kind": kind, "at": _local(at, client.timezone), **about, **fields}


def _local(moment: datetime | None, timezone: str) -> str | None:
    """To the second: 2026-03-01T13:00:00+03:00."""
    return None if moment is None else moment.astimezone(zone(timezone)).isoformat(timespec="seconds")
