"""How mailings go on, in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime

from chalicelib.domain.reasons import Reasons
from chalicelib.domain.timeline import Sample
from chalicelib.domain.waves import WaveCounts

from .fake_clock import LOCK


class FakeTimelines:
    def __init__(self) -> None:
        self.by_mailing: dict[int, Reasons] = defaultdict(Counter)
        self.waves_by_mailing: dict[int, WaveCounts] = defaultdict(Counter)
        self.kept: dict[int, dict[int, Sample]] = defaultdict(dict)

    def add_reasons(self, mailing_id: int, reasons: Reasons, expires_at: datetime) -> None:
        with LOCK:
            self.by_mailing[mailing_id].update(reasons)

    def replace_reasons(self, mailing_id: int, reasons: Reasons, expires_at: datetime) -> None:
        with LOCK:
            self.by_mailing[mailing_id] = Counter(reasons)

    def reasons(self, mailing_id: int) -> Reasons:
        return Counter(self.by_mailing[mailing_id])

    def add_waves(self, mailing_id: int, counts: WaveCounts, expires_at: datetime) -> None:
        with LOCK:
            self.waves_by_mailing[mailing_id].update(counts)

    def replace_waves(self, mailing_id: int, counts: WaveCounts, expires_at: datetime) -> None:
        with LOCK:
            self.waves_by_mailing[mailing_id] = Counter(counts)

    def waves(self, mailing_id: int) -> WaveCounts:
        return Counter(self.waves_by_mailing[mailing_id])

    def keep_sample(self, mailing_id: int, sample: Sample, expires_at: datetime) -> None:
        self.kept[mailing_id][int(sample.at.timestamp()) // 60] = sample

    def samples(self, mailing_id: int, newest: int | None = None) -> list[Sample]:
        found = [sample for _, sample in sorted(self.kept[mailing_id].items())]
        return found if newest is None else found[-newest:]
