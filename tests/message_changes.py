"""Changes of messages without an attempt, for tests that need a message in a status."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.message import Message, MessageKey
from chalicelib.domain.message_change import closing, reopening
from chalicelib.errors import confirmed
from chalicelib.texts import Text


def close(messages: Any, key: MessageKey, status: str, error: Text | None = None) -> bool:
    """Returns False if the message has changed since it was read."""
    return confirmed(messages.change_all([closing(messages.get(key), status, error)])[0])


def reopen(messages: Any, message: Message, resends: int, reopened_in: int) -> bool:
    """Returns False if the message is no longer as given."""
    return confirmed(messages.change_all([reopening(message, resends, reopened_in)])[0])
