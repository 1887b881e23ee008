"""The sender that recipients see: of the mailing, or of the setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import BadInput
from ..texts import Text

if TYPE_CHECKING:
    from ..adapters.services import Services


def takes_sender(services: Services) -> bool:
    return any(one.capabilities.takes_sender for one in services.settings.gateway_by_name.values())


def require_usable_sender(services: Services, sender: str) -> None:
    """Raises BadInput if the gateway would ignore the sender."""
    if sender and not takes_sender(services):
        raise BadInput({"sender": [Text("mailing.no_senders")]})
