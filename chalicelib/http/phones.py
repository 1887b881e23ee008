"""The phone numbers of messages, as a role may see them in lists of messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..domain.masking import mask_text
from ..domain.message import Message
from ..domain.principal import Principal

if TYPE_CHECKING:
    from ..adapters.services import Services


def phones_of(services: Services, principal: Principal, messages: Sequence[Message]) -> dict[int, str]:
    """By client id, masked for a role that may not write. One call reads a hundred; deleted clients are left out."""
    if not messages:
        return {}
    found = services.clients.get_many([message.client_id for message in messages])
    shown = str if principal.may(writes=True) else mask_text
    return {client.id: shown(client.phone_number) for client in found.values()}
