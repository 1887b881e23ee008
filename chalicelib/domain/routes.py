"""Which gateways there are, and to which one a message may be posted again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .message import QUEUED, Message


@dataclass(frozen=True)
class Routes:
    """`names`: the gateways by name, in their order. `deduping`: those that accept a repeated message id once."""

    names: tuple[str, ...]
    deduping: frozenset[str] = frozenset()

    def gateway_of(self, message: Message) -> str:
        """The gateway that may have the message. Rows of earlier versions do not name it: there was one."""
        return message.gateway or (self.names[0] if len(self.names) == 1 else "")

    def allow_repetition(self, message: Message) -> bool:
        """Whether a message that its gateway may have can be posted again, which is only safe there."""
        return self.gateway_of(message) in self.deduping

    def leave_in_doubt(self, message: Message, now: datetime) -> bool:
        """Whether no attempt may follow: the gateway may have the message, and would send a repetition as well.

        That is also so if a deploy has changed the gateway since, or says that it does not detect a repeated id.
        """
        is_waiting = message.status == QUEUED and not message.is_claimed(now)
        return is_waiting and message.doubts > 0 and not self.allow_repetition(message)
