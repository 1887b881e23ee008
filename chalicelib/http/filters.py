"""The filters of lists, as a query string carries them."""

from __future__ import annotations

from collections.abc import Mapping

from ..clients.registry import ClientFilter
from ..domain.message import STATUSES
from ..errors import BadInput

CLIENT_FILTERS = ("tag", "operator_code", "phone_number")


def read_client_filter(query: Mapping[str, str]) -> ClientFilter:
    """A parameter that is absent or blank is no filter."""
    return ClientFilter(*(query.get(name) or None for name in CLIENT_FILTERS))


def read_message_status(sent: str | None) -> str | None:
    """None or a blank is no filter. Raises BadInput."""
    if not sent:
        return None
    if sent not in STATUSES:
        raise BadInput({"status": [f'"{sent[:32]}" is not a valid choice: one of {", ".join(STATUSES)} is expected.']})
    return sent
