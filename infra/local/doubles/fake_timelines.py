"""How mailings go on, in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime

from chalicelib.domain.reasons import Reasons

from .fake_clock import LOCK


class FakeTimelines:
    def __init__(self) -> None:
        self.by_mailing: dict[int, Reasons] = defaultdict(Counter)

    def add_reasons(self, mailing_id: int, reasons: Reasons, expires_at: datetime) -> None:
        with LOCK:
            self.by_mailing[mailing_id] += reasons

    def replace_reasons(self, mailing_id: int, reasons: Reasons, expires_at: datetime) -> None:
        with LOCK:
            self.by_mailing[mailing_id] = Counter(reasons)

    def reasons(self, mailing_id: int) -> Reasons:
        return Counter(self.by_mailing[mailing_id])
