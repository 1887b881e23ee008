"""The limits on what texts cost: of a mailing (`max_cost`), and of a day (DAILY_BUDGET)."""

from __future__ import annotations

from dataclasses import dataclass

from ..texts import Text
from .mailing import Mailing
from .money import shown_amount

PRICE_UNKNOWN = Text("mailing.price_unknown")
"""A deploy has taken the price away, or has added a gateway without one: nobody could say what a mailing costs."""

REASONS = {"mailing.max_cost", "mailing.daily_budget", PRICE_UNKNOWN.code}
"""The codes of the reasons of a pause."""


@dataclass(frozen=True)
class Day:
    """What all mailings together have spent on this day, and what they may spend; None: there is no limit."""

    spent: int = 0
    budget: int | None = None


def limit_reason(mailing: Mailing, day: Day, needed: int, reserved: int = 0, reserved_by_all: int = 0) -> Text | None:
    """Explains to people why a message that costs `needed` is not posted. Returns None if it may be.

    `reserved`: what posts of the mailing cost that are not counted yet. `reserved_by_all`: the same of all mailings.
    """
    spent, most = mailing.counts.cost, mailing.max_cost
    if most is not None and spent + reserved + needed > most:
        return Text("mailing.max_cost", spent=shown_amount(spent), most=shown_amount(most))
    if day.budget is not None and day.spent + reserved_by_all + needed > day.budget:
        return Text("mailing.daily_budget", spent=shown_amount(day.spent), most=shown_amount(day.budget))
    return None
