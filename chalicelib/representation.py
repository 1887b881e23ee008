"""The representation of clients, mailings, messages, imports and audit records in the API, CSV files and the audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, time

from .domain.audit_record import AuditRecord
from .domain.balance import Balance
from .domain.client import Client
from .domain.client_import import ClientImport, KeptClient, RefusedRow, Undo
from .domain.condition_json import as_json
from .domain.counts import Counts
from .domain.mailing import Mailing
from .domain.mailing_fields import FIELD_NAMES
from .domain.mailing_outline import MailingOutline
from .domain.message import Message
from .domain.money import shown_amount
from .domain.principal import Token, User
from .domain.segment import Segment
from .domain.series import Series
from .domain.stop import Stop
from .errors import shown_errors
from .texts import Text

_CLIENT = [field.name for field in fields(Client)]
CLIENT_FIELDS = (*_CLIENT[:2], "operator_code", *_CLIENT[2:])
"""The operator code is a part of the phone number and follows it."""

MESSAGE_FIELDS = (
    "id",
    "mailing_id",
    "client_id",
    "status",
    "created_at",
    "sent_at",
    "attempts",
    "last_error",
    "reported_at",
    "consent_at",
)
STOP_FIELDS = ("phone_number", "opted_out_at", "reason", "source", "client_id")
RECORD_FIELDS = ("at", "who", "action", "what", "id", "before", "after")


def represent_client(client: Client) -> dict[str, object]:
    return _represent(client, CLIENT_FIELDS)


def represent_mailing(mailing: Mailing) -> dict[str, object]:
    window, canary = mailing.window, mailing.canary
    return {
        "id": mailing.id,
        "status": mailing.status,
        "datetime_start": represent_moment(mailing.datetime_start),
        "datetime_end": represent_moment(mailing.datetime_end),
        "message_text": mailing.message_text,
        "purpose": mailing.purpose,
        "sender": mailing.sender or None,
        "filter_tag": ",".join(mailing.chosen.tags) or None,
        "filter_op_codes": ",".join(mailing.chosen.operator_codes) or None,
        "filter": as_json(mailing.chosen.condition) if mailing.chosen.condition else None,
        "segment": mailing.chosen.segment.id if mailing.chosen.segment else None,
        "time_from": represent_time(window.opens) if window else None,
        "time_to": represent_time(window.closes) if window else None,
        "rate_limit": mailing.rate_limit,
        "max_cost": represent_amount(mailing.max_cost),
        "canary": canary.size if canary else None,
        "max_error_rate": canary.max_error_rate if canary else None,
        "paused_because": _plain(mailing.paused_because),
        "approved_by": mailing.approved_by,
        "series_id": mailing.series_id,
    }


def represent_series(series: Series) -> dict[str, object]:
    """The fields of the next mailing are those of the series. The dates of a series that has ended are null."""
    rule, mailing = series.rule, represent_mailing(series.mailing)
    fields = {name: mailing[name] for name in FIELD_NAMES}
    if series.is_over:
        fields |= {"datetime_start": None, "datetime_end": None}
    return {
        "id": series.id,
        "status": series.status,
        **fields,
        "repeat": ",".join(rule.days),
        "timezone": rule.timezone,
        "repeat_until": rule.until and rule.until.isoformat(),
        "repeat_times": series.times,
        "skip_dates": ",".join(sorted(day.isoformat() for day in rule.skipped)) or None,
        "made": series.made,
        "missed": series.missed,
        "mailing_ids": list(series.mailing_ids),
    }


def represent_segment(segment: Segment) -> dict[str, object]:
    assert segment.condition is not None
    return {"id": segment.id, "name": segment.name, "filter": as_json(segment.condition)}


def represent_counts(counts: Counts) -> dict[str, int]:
    """`sent` includes `delivered` and `undelivered`. The other counts add up to `total`."""
    return {"total": counts.total, **counts.with_receipts()}


def represent_spending(counts: Counts, has_price: bool, currency: str) -> dict[str, object]:
    """The SMS parts of the sent messages, and what they have cost; null if no price was ever known."""
    spent = represent_amount(counts.cost) if has_price or counts.cost else None
    return {"parts": counts.parts, "spent": spent, "currency": currency or None}


def represent_balance(balance: Balance) -> dict[str, object]:
    return {
        "gateway": balance.gateway,
        "balance": shown_amount(balance.amount.value),
        "currency": balance.amount.currency or None,
        "at": represent_moment(balance.at),
        "is_low": balance.is_low,
    }


def represent_message(message: Message) -> dict[str, object]:
    return _represent(message, MESSAGE_FIELDS)


def represent_mailed(mailing: MailingOutline, message: Message) -> dict[str, object]:
    """A message of a client's history: with the start and the text of its mailing, with placeholders."""
    of_mailing = {
        "datetime_start": represent_moment(mailing.datetime_start),
        "message_text": mailing.text_of(message),
    }
    return {**represent_message(message), **of_mailing}


def represent_stop(stop: Stop) -> dict[str, object]:
    return _represent(stop, STOP_FIELDS)


def represent_erased(client_id: int | None, stays_refused: bool) -> dict[str, object]:
    return {"client_id": client_id, "stays_refused": stays_refused}


def represent_import(client_import: ClientImport) -> dict[str, object]:
    tally = client_import.tally
    return {
        **_represent(client_import, ("id", "kind", "status", "file_name")),
        "dry_run": client_import.is_dry_run,
        "encoding": client_import.form.encoding,
        **_represent(tally, ("rows", "added", "changed", "unchanged", "refused", "opted_out", "normalized")),
        **_represent(client_import, ("created_at", "finished_at", "detail")),
        "undo": _represent_undo(client_import.undo),
    }


def _represent_undo(undo: Undo | None) -> dict[str, object] | None:
    if undo is None:
        return None
    return {"at": represent_moment(undo.began_at), **_represent(undo, ("removed", "restored", "kept"))}


def represent_kept(client: KeptClient) -> dict[str, object]:
    return {"client_id": client.id, "reason": str(client.reason)}


def represent_refused_row(row: RefusedRow) -> dict[str, object]:
    return {"row": row.number, "cells": dict(row.cells), "errors": shown_errors(row.errors)}


def represent_token(token: Token) -> dict[str, object]:
    return {"name": token.principal.name, "role": token.principal.role}


def represent_user(user: User) -> dict[str, object]:
    by_provider = {"sign_in": "OpenID Connect"} if user.identity is not None else {}
    return {"name": user.principal.name, "role": user.principal.role, **by_provider}


def represent_record(record: AuditRecord) -> dict[str, object]:
    return _represent(record, RECORD_FIELDS)


def represent_warnings(warnings: Sequence[Text]) -> dict[str, object]:
    """Nothing if there are none."""
    return {"warnings": [str(text) for text in warnings]} if warnings else {}


def represent_moment(moment: datetime | None) -> str | None:
    """UTC, to the second: 2022-08-22T22:42:16Z. strftime does not pad years below 1000."""
    return None if moment is None else moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def represent_amount(amount: int | None) -> str | None:
    """A string, because a float cannot hold each sum of prices."""
    return None if amount is None else shown_amount(amount)


def represent_time(time_of_day: time) -> str:
    """To the minute: 09:00."""
    return time_of_day.isoformat("minutes")


def _represent(item: object, fields: Iterable[str]) -> dict[str, object]:
    return {name: _plain(getattr(item, name)) for name in fields}


def _plain(value: object) -> object:
    match value:
        case datetime():
            return represent_moment(value)
        case Mapping():
            return dict(value)
        case Text():
            return str(value)
    return value
