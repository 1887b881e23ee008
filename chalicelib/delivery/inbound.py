"""Recipients that refuse further messages, by an inbound message or by what the provider knows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..domain.client import PHONE
from ..errors import BadInput
from ..logs import log_clients
from ..texts import Text
from .opt_outs import opt_out_by_gateway

if TYPE_CHECKING:
    from ..adapters.services import Services

MAX_OPT_OUTS = 100
"""Phone numbers in one call: each takes a few calls of DynamoDB."""


def opt_out_phones(services: Services, phone_numbers: Iterable[str]) -> int:
    """Put the clients with these numbers on the stop list, each with an audit record. Returns how many have no client.

    A repetition changes nothing. Raises BadInput for too many numbers.
    """
    digits = {re.sub(r"\D", "", phone_number) for phone_number in phone_numbers}
    if len(digits) > MAX_OPT_OUTS:
        raise BadInput.of_request(Text("receipt.number", most=MAX_OPT_OUTS, number=len(digits)))
    opted_out = [client_id for one in sorted(digits) if (client_id := _opt_out(services, one)) is not None]
    log_clients("opted out by the recipient", opted_out)
    return len(digits) - len(opted_out)


def _opt_out(services: Services, phone_number: str) -> int | None:
    """The id of the client; None if no client has the number."""
    client = services.clients.find_by_phone(phone_number) if PHONE.fullmatch(phone_number) else None
    if client is None:
        return None
    opt_out_by_gateway(services, client.id, phone_number)
    return client.id
