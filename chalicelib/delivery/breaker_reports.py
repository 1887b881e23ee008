"""A sender tells the overview when its breaker of a gateway opens and closes: at the end of a batch, in one small row.

While the breakers are closed this costs no call. The report is for people: an error here is logged, and no message
returns for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ..domain.breaker_report import BreakerReport, Opening, Told, is_due
from ..logs import log

if TYPE_CHECKING:
    from ..adapters.services import Services

SECONDS_TO_TELL = 5.0
"""With less time left in the invocation nothing is told. The next batch tells it."""


class BreakerReporter:
    """Belongs to one sender. A sender makes at most two reports of a gateway in a minute, whatever its breaker does."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._told: dict[str, Told] = {}

    def tell(self, openings: Mapping[str, Opening | None], seconds_left: float) -> None:
        """`openings`: by the name of the gateway; None for a breaker that is closed."""
        now = self._services.clock.now()
        for gateway, opening in openings.items():
            if is_due(self._told.get(gateway), opening, now) and seconds_left >= SECONDS_TO_TELL:
                self._told[gateway] = Told(opening is not None, now)
                self._write(gateway, opening, now)

    def _write(self, gateway: str, opening: Opening | None, now: datetime) -> None:
        try:
            known = self._services.breaker_reports.read(gateway) or BreakerReport(gateway, now)
            self._services.breaker_reports.write(known.after(opening, now))
        except Exception:
            log.exception("breaker not told", extra={"gateway": gateway})
