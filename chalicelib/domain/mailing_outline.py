"""The part of a mailing that the history of a client needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .audience import Plan
from .former_text import FormerTexts, text_at
from .message import Message, MessageKey


@dataclass(frozen=True)
class MailingOutline:
    """`plan`: None before the start. `message_text`: with its placeholders."""

    id: int
    datetime_start: datetime
    message_text: str
    purpose: str
    plan: Plan | None
    former_texts: FormerTexts = ()

    def text_of(self, message: Message) -> str:
        """What the client got, or will get."""
        return text_at(message.sent_at, self.former_texts, self.message_text)

    def key_of(self, client_id: int) -> MessageKey | None:
        """The key of the message that the client may have; None before the start, and for a client that came later."""
        if self.plan is None or client_id > self.plan.last_client_id:
            return None
        return MessageKey(self.id, client_id, self.plan.shards)
