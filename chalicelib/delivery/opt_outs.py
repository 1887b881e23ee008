"""Opt a client out because the gateway says that the recipient refuses messages.

The opt-out is written before the message becomes failed. If the sender dies between the two, the message is admitted
again and becomes cancelled, because its client has opted out.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..access.audit import GATEWAY_AUTHOR, author_of
from ..domain.stop import BY_GATEWAY, StopCause
from ..errors import NotFound

if TYPE_CHECKING:
    from ..adapters.services import Services


def opt_out_by_gateway(services: Services, client_id: int, phone_number: str) -> None:
    """A client that is deleted or has another number is left alone; a repetition changes nothing.

    The registry is loaded here: few messages of a sender need it, and it takes a twentieth of a sender's start.
    """
    from ..clients.registry import opt_out_number

    with suppress(NotFound):
        author = author_of(services, GATEWAY_AUTHOR)
        opt_out_number(services, client_id, phone_number, author, StopCause(BY_GATEWAY))


def opt_out(services: Services, client_id: int, phone_number: str) -> Exception | None:
    """The same, but returns the error if the opt-out is not written."""
    try:
        opt_out_by_gateway(services, client_id, phone_number)
    except Exception as error:
        return error
    return None
