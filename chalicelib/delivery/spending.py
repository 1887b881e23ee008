"""What a sender spends: no post begins that a limit leaves no room for, and a mailing at its limit pauses by itself.

A sender counts its posts at once, and those of other senders when their batches are counted. So several senders
together can exceed a limit by the batches that they are handling, and one sender alone cannot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from ..domain.decisions import limited
from ..domain.mailing import Mailing
from ..domain.message import SENT, Message
from ..domain.outcome import Outcome
from ..domain.spending import PRICE_UNKNOWN, Day, limit_reason
from ..errors import RowChanged
from ..logs import log
from ..retries import retry_lost_races
from ..texts import Text
from ..zones import zone
from .automatic_pause import decide_by_service
from .caches import MailingCache
from .send_task import Result

if TYPE_CHECKING:
    from ..adapters.services import Services

DAY_TTL = timedelta(seconds=1)
"""A sender sees what others have spent after at most this time."""

SECONDS_OVER_LIMIT = 30
"""The delay of a message that a limit leaves no room for. By then its mailing is paused, or there is room."""


def cost_of(services: Services, parts: int, gateway: str) -> int:
    """The cost of a text with so many parts at this gateway; 0 without a price."""
    return parts * (services.settings.price_by_gateway or {}).get(gateway, 0)


def charged(services: Services, message: Message, outcome: Outcome) -> Message:
    """The message with the parts and the price that the gateway has told for it, instead of our own.

    A price in another currency than GATEWAY_CURRENCY, or in one that nobody has named, is not taken.
    """
    if outcome.parts is None and outcome.price is None:
        return message
    settings, parts = services.settings, outcome.parts or message.parts
    price = outcome.price if settings.price_by_gateway is not None and settings.gateway_currency else None
    if price is not None and price.currency == settings.gateway_currency:
        return replace(message, parts=parts, cost=price.value)
    return replace(message, parts=parts, cost=cost_of(services, parts, message.gateway))


def least_cost(services: Services, parts: int) -> int:
    """The same at the cheapest gateway."""
    return parts * min((services.settings.price_by_gateway or {}).values(), default=0)


class DaySpending:
    """What all senders have spent today, read at most once a second. Reads nothing without DAILY_BUDGET.

    It begins with the day of REPORT_TIMEZONE, as the daily report does.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: tuple[date, datetime, int] | None = None
        self._owed = 0
        self._lock = Lock()

    def now(self) -> Day:
        """Raises NotRead: without the sum nothing may be posted."""
        budget, now = self._services.settings.daily_budget, self._services.clock.now()
        if budget is None:
            return Day()
        today = self._day(now)
        with self._lock:
            if self._known is None or self._known[0] != today or now - self._known[1] >= DAY_TTL:
                self._known = today, now, self._services.spending.of_day(today)
            return Day(self._known[2] + self._owed, budget)

    def add(self, cost: int) -> None:
        """An unconfirmed amount is added again with the next one: the sum may be too high, and never too low."""
        now = self._services.clock.now()
        if self._services.settings.daily_budget is None:
            return
        with self._lock:
            self._owed += cost
            if not self._owed:
                return
            try:
                total = self._services.spending.add(self._day(now), self._owed, now)
            except Exception:  # the counts of the batch are still to be added
                log.exception("spending not counted")
                return
            self._known, self._owed = (self._day(now), now, total), 0

    def _day(self, now: datetime) -> date:
        return now.astimezone(zone(self._services.settings.report_timezone)).date()


class Spending:
    """The amounts that the posts of one batch have reserved. Threads can share it."""

    def __init__(self, services: Services, day: DaySpending) -> None:
        self._services = services
        self._day = day
        self._reserved: Counter[int] = Counter()
        self._lock = Lock()

    def day(self) -> Day:
        """What all have spent today. Raises NotRead."""
        return self._day.now()

    def over_limit(self, mailing: Mailing, cost: int) -> Result | None:
        """The result of a task without a post, if a limit leaves no room for its cost. Raises NotRead."""
        day = self.day()
        with self._lock:
            return self._result(mailing, day, cost)

    def reserve(self, mailing: Mailing, cost: int, day: Day) -> Result | None:
        """As `over_limit`. Without a result the cost is reserved. `day`: read before the caller looks at the clock."""
        with self._lock:
            result = self._result(mailing, day, cost)
            if result is None:
                self._reserved[mailing.id] += cost
            return result

    def release(self, mailing: Mailing, cost: int) -> None:
        """The gateway has not taken the message, or takes so much less for it, or so much more if `cost` is below 0."""
        with self._lock:
            self._reserved[mailing.id] -= cost

    def count_day(self, results: Sequence[Result]) -> None:
        """Called before the counts of the mailings: after a crash between the two the sum is too high."""
        self._day.add(sum(result.cost for result in results if result.status == SENT))

    def pause_at_limit(self, mailings: MailingCache, mailing_id: int, results: Sequence[Result]) -> None:
        """Called for each mailing of a batch, after its results are counted. Raises NotRead and NotWritten."""
        needed = min((result.over_limit for result in results if result.over_limit), default=0)
        if needed:
            with suppress(RowChanged):  # the message comes again, and tries again
                retry_lost_races(self._services.clock, lambda: self._pause(mailings, mailing_id, needed))

    def _pause(self, mailings: MailingCache, mailing_id: int, needed: int) -> None:
        before, now = self._services.mailings.get(mailing_id), self._services.clock.now()
        reason = self._reason(before, self._day.now(), needed) if before else None
        if before is None or reason is None:
            return
        after = limited(before, reason, now)
        if after != before:
            mailings.put(decide_by_service(self._services, before, after), now)
            log.warning("limit reached", extra={"mailing_id": mailing_id, "reason": str(reason)})

    def _result(self, mailing: Mailing, day: Day, cost: int) -> Result | None:
        if (not cost and self._knows_prices) or (mailing.max_cost is None and day.budget is None):
            return None
        reason = self._reason(mailing, day, cost, self._reserved[mailing.id], self._reserved.total())
        return Result(delay=SECONDS_OVER_LIMIT, over_limit=max(1, cost), failure="OverLimit") if reason else None

    def _reason(
        self, mailing: Mailing, day: Day, needed: int, reserved: int = 0, reserved_by_all: int = 0
    ) -> Text | None:
        if mailing.max_cost is not None and not self._knows_prices:
            return PRICE_UNKNOWN
        return limit_reason(mailing, day, needed, reserved, reserved_by_all)

    @property
    def _knows_prices(self) -> bool:
        return self._services.settings.price_by_gateway is not None
