"""The posts that a simulator has recorded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib.gateways.port import Sms


@dataclass
class Seen:
    """The recorded posts, by message id; `accepted` counts the posts of an id that succeeded.

    `unclear`: posts without a clear answer. `phones`: whole phone numbers by message id, which no page shows.
    """

    requests: int = 0
    unclear: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    by_status: Counter[int] = field(default_factory=Counter)
    accepted: Counter[int] = field(default_factory=Counter)
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    phones: dict[int, int] = field(default_factory=dict)

    def arrived(self, now: datetime) -> None:
        self.requests += 1
        self.first_at = self.first_at or now
        self.last_at = now

    def accept(self, sms: Sms, arrived_at: datetime) -> None:
        """Record a success; `times` and `texts` are in the order of the posts."""
        message = self.messages.setdefault(sms.id, {"times": [], "texts": []})
        message.update(text=sms.text, phone=_masked(sms.phone_number))
        message["times"].append(arrived_at.isoformat())
        message["texts"].append(sms.text)
        self.phones[sms.id] = int(sms.phone_number)
        self.accepted[sms.id] += 1

    def summary(self) -> dict[str, Any]:
        accepted = self.accepted.total()
        return {
            "requests": self.requests,
            "accepted": accepted,
            "distinct": len(self.accepted),
            "repeated": accepted - len(self.accepted),
            "first_at": self.first_at.isoformat() if self.first_at else None,
            "last_at": self.last_at.isoformat() if self.last_at else None,
            "by_status": {str(status): number for status, number in self.by_status.items()},
        }


def _masked(phone: str) -> str:
    return f"{phone[:4]}***{phone[-4:]}"
