"""Reads the filters of lists from query parameters."""

from __future__ import annotations

from collections.abc import Mapping

from ..clients.listing import ClientFilter
from ..domain.message import STATUSES
from ..domain.phone import meant_phone
from ..errors import BadInput
from ..texts import Text

CLIENT_FILTERS = ("tag", "operator_code", "phone_number")


def read_client_filter(query: Mapping[str, str]) -> ClientFilter:
    """An absent or blank parameter sets no filter. A phone number may be written as people write it."""
    tag, operator_code, phone = (query.get(name) or None for name in CLIENT_FILTERS)
    return ClientFilter(tag, operator_code, phone and (meant_phone(phone) or phone))


def read_message_status(value: str | None) -> str | None:
    """An absent or blank value sets no filter. Raises BadInput for an unknown status."""
    if not value:
        return None
    if value not in STATUSES:
        raise BadInput({"status": [Text("page.status", given=value[:32], choices=", ".join(STATUSES))]})
    return value
