"""Reads the filters of lists from query parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..domain.audit_record import KINDS, AuditFilter
from ..domain.client_search import AttributeText, ClientFilter
from ..domain.mailing import STATUSES as MAILING_STATUSES
from ..domain.mailing_search import MailingFilter
from ..domain.message import MAX_ID, STATUSES
from ..domain.phone import meant_phone
from ..domain.phone_part import PhonePart, meant_part
from ..domain.principal import Principal
from ..errors import BadInput, WrongValue
from ..rules import Field, Rule, label, moment, number_up_to, read_fields, rule
from ..texts import Text
from .phones import Show, sees_phones, shown_to
from .queries import read_flag

CLIENT_FILTERS = ("tag", "operator_code", "phone_number", "phone", "attribute", "opted_out")


def read_client_filter(query: Mapping[str, str], viewer: Principal | None = None) -> ClientFilter:
    """An absent or blank parameter sets no filter. A number may be written as people write it. Raises BadInput.

    `viewer`: a user of the console, who searches in nothing that the role does not show.
    """
    tag, operator_code, phone_number, phone, attribute, opted_out = (query.get(name) or None for name in CLIENT_FILTERS)
    return ClientFilter(
        tag,
        operator_code,
        phone_number and (meant_phone(phone_number) or phone_number),
        phone and _read_phone_part(phone, viewer),
        attribute and _read_attribute(attribute, shown_to(viewer)),
        read_flag(query, "opted_out") if opted_out else None,
    )


def _read_phone_part(written: str, viewer: Principal | None) -> PhonePart:
    whole = meant_phone(written)
    part = PhonePart(whole) if whole else meant_part(written)
    if part is None:
        raise BadInput({"phone": [Text("page.phone")]})
    if not (sees_phones(viewer) or part.tells_no_digits):
        raise BadInput({"phone": [Text("page.masked_phone")]})
    return part


def _read_attribute(written: str, shown: Show) -> AttributeText:
    name, separator, text = written.partition("=")
    if separator and name.strip():
        return AttributeText(text.strip(), name.strip(), shown)
    return AttributeText(written.strip(), shown=shown)


def _one_of(choices: Collection[str]) -> Rule:
    @rule(enum=list(choices))
    def read(sent: object) -> object:
        if sent not in choices:
            raise WrongValue(Text("page.status", given=str(sent)[:32], choices=", ".join(choices)))
        return sent

    return read


MAILING_FILTERS = {
    "status": Field(_one_of(MAILING_STATUSES), "Mailings with this status"),
    "text": Field(label, "Mailings with this text in theirs, in any case"),
    "start_from": Field(moment, "Mailings that start at this moment or later"),
    "start_before": Field(moment, "Mailings that start before this moment"),
    "segment": Field(number_up_to(MAX_ID, 3), "Mailings to the segment with this id"),
}
"""Query parameters, each with its rule."""


def read_mailing_filter(query: Mapping[str, str]) -> MailingFilter:
    """An absent or blank parameter sets no filter. Raises BadInput."""
    sent = {name: query[name] for name in MAILING_FILTERS if query.get(name)}
    read: dict[str, Any] = read_fields(sent, MAILING_FILTERS, set(), partial=True)
    return MailingFilter(
        read.get("text") or "",
        read.get("status"),
        read.get("start_from"),
        read.get("start_before"),
        read.get("segment"),
    )


AUDIT_FILTERS = {
    "who": Field(label, "Changes by this user, token or command, with exactly this name"),
    "what": Field(_one_of(KINDS), "Changes of objects of this kind"),
    "id": Field(label, "Changes of the object with this id"),
    "at_from": Field(moment, "Changes at this moment or later"),
    "at_before": Field(moment, "Changes before this moment"),
}
"""Query parameters, each with its rule."""


def read_audit_filter(query: Mapping[str, str]) -> AuditFilter:
    """An absent or blank parameter sets no filter. Raises BadInput."""
    sent = {name: query[name] for name in AUDIT_FILTERS if query.get(name)}
    read: dict[str, Any] = read_fields(sent, AUDIT_FILTERS, set(), partial=True)
    wanted = AuditFilter(
        read.get("who") or "", read.get("what") or "", read.get("id") or "", read.get("at_from"), read.get("at_before")
    )
    if wanted.at_from and wanted.at_before and wanted.at_from >= wanted.at_before:
        raise BadInput({"at_before": [Text("page.no_time_between")]})
    return wanted


def read_message_status(value: str | None) -> str | None:
    """An absent or blank value sets no filter. Raises BadInput for an unknown status."""
    if not value:
        return None
    if value not in STATUSES:
        raise BadInput({"status": [Text("page.status", given=value[:32], choices=", ".join(STATUSES))]})
    return value
