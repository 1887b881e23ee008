"""Why messages of a mailing were not sent: their number by status and reason, for people.

No decision depends on these numbers. The reasons of delivery receipts are left out: they are text of the gateway, which
an erasure removes from messages, and it would not find it here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from ..texts import AS_WRITTEN, Text
from .message import CANCELLED, EXPIRED, FAILED, UNKNOWN

COUNTED = (FAILED, UNKNOWN, EXPIRED, CANCELLED)

MOST_REASONS = 20
"""Reasons that are counted one by one. A gateway may answer with any number of codes."""

OTHER = Text("message.other_reasons")


@dataclass(frozen=True)
class Reason:
    """`status`: one of COUNTED. `text`: why the messages have it; OTHER for all that are not counted one by one."""

    status: str
    text: Text

    @property
    def key(self) -> str:
        """Names the reason in an address and in a row."""
        stored = json.dumps([self.status, self.text.stored], ensure_ascii=False, sort_keys=True)
        return sha256(stored.encode()).hexdigest()[:16]

    @property
    def is_exact(self) -> bool:
        """Its messages can be listed and sent again by it."""
        return self.text != OTHER


Reasons = Counter[Reason]


def reason_of(status: str | None, error: Text | None) -> Reason | None:
    """None if the status has no reason: the message is sent or waits, or a person cancelled its mailing."""
    if status not in COUNTED or error is None:
        return None
    return Reason(status, OTHER if error.code == AS_WRITTEN else error)


def counted(reasons: Iterable[Reason | None]) -> Reasons:
    return Counter(reason for reason in reasons if reason is not None)


def bounded(numbers: Mapping[Reason, int], known: Collection[Reason] = ()) -> Reasons:
    """At most MOST_REASONS of them, the `known` and then the most frequent ones. The rest is counted as OTHER.

    A number below 0 is taken back: from OTHER, if its reason is counted there.
    """
    found: Reasons = Counter()
    names = {reason for reason in known if reason.is_exact}
    for reason, number in Counter(numbers).most_common():
        if reason.is_exact and (reason in names or len(names) < MOST_REASONS):
            names.add(reason)
            found[reason] += number
        else:
            found[Reason(reason.status, OTHER)] += number
    return found
