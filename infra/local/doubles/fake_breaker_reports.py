"""What senders have told of the breakers, in memory."""

from __future__ import annotations

from chalicelib.domain.breaker_report import BreakerReport


class FakeBreakerReports:
    """`written`: all reports, in their order. `error`: raised by each write."""

    def __init__(self) -> None:
        self.written: list[BreakerReport] = []
        self.error: Exception | None = None

    def read(self, gateway: str) -> BreakerReport | None:
        return next((report for report in reversed(self.written) if report.gateway == gateway), None)

    def write(self, report: BreakerReport) -> None:
        if self.error is not None:
            raise self.error
        self.written.append(report)
