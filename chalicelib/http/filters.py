"""Reads the filters of lists from query parameters."""

from __future__ import annotations

from collections.abc import Mapping

from ..domain.client_search import AttributeText, ClientFilter
from ..domain.message import STATUSES
from ..domain.phone import meant_phone
from ..domain.phone_part import PhonePart, meant_part
from ..errors import BadInput
from ..texts import Text
from .queries import read_flag

CLIENT_FILTERS = ("tag", "operator_code", "phone_number", "phone", "attribute", "opted_out")


def read_client_filter(query: Mapping[str, str]) -> ClientFilter:
    """An absent or blank parameter sets no filter. A number may be written as people write it. Raises BadInput."""
    tag, operator_code, phone_number, phone, attribute, opted_out = (query.get(name) or None for name in CLIENT_FILTERS)
    return ClientFilter(
        tag,
        operator_code,
        phone_number and (meant_phone(phone_number) or phone_number),
        phone and _read_phone_part(phone),
        attribute and _read_attribute(attribute),
        read_flag(query, "opted_out") if opted_out else None,
    )


def _read_phone_part(written: str) -> PhonePart:
    whole = meant_phone(written)
    part = PhonePart(whole) if whole else meant_part(written)
    if part is None:
        raise BadInput({"phone": [Text("page.phone")]})
    return part


def _read_attribute(written: str) -> AttributeText:
    name, separator, text = written.partition("=")
    return AttributeText(text.strip(), name.strip()) if separator and name.strip() else AttributeText(written.strip())


def read_message_status(value: str | None) -> str | None:
    """An absent or blank value sets no filter. Raises BadInput for an unknown status."""
    if not value:
        return None
    if value not in STATUSES:
        raise BadInput({"status": [Text("page.status", given=value[:32], choices=", ".join(STATUSES))]})
    return value
