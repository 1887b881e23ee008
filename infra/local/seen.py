"""The posts that a simulator has recorded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Seen:
    """The recorded posts, by message id; `accepted` counts the posts of an id that succeeded."""

    requests: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    by_status: Counter[int] = field(default_factory=Counter)
    accepted: Counter[int] = field(default_factory=Counter)
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)

    def arrived(self, now: datetime) -> None:
        self.requests += 1
        self.first_at = self.first_at or now
        self.last_at = now

    def accept(self, body: dict[str, Any], arrived_at: datetime) -> None:
        """Record a success; `times` and `texts` are in the order of the posts."""
        message = self.messages.setdefault(body["id"], {"times": [], "texts": []})
        message.update(text=body["text"], phone=_masked(body["phone"]))
        message["times"].append(arrived_at.isoformat())
        message["texts"].append(body["text"])
        self.accepted[body["id"]] += 1

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


def _masked(phone: int) -> str:
    text = str(phone)
    return f"{text[:4]}***{text[-4:]}"
