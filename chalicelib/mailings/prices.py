"""Money of a mailing: what its texts and AWS will cost, what they have cost, and whether a limit can be kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain import cost
from ..domain.counts import Counts
from ..domain.mailing import Mailing
from ..domain.money import shown_amount
from ..errors import BadInput
from ..texts import Text

if TYPE_CHECKING:
    from ..adapters.services import Services

DECIMALS_OF_DOLLARS = 6


@dataclass(frozen=True)
class CostForecast:
    """`texts`: as in domain/money.py, in `currency`, which may be empty; None without GATEWAY_PRICE.

    `aws`: US dollars, for a mailing in which each client gets one post.
    """

    texts: int | None
    currency: str
    aws: float


def forecast_cost(services: Services, clients: int, parts: int, is_limited: bool) -> CostForecast:
    """At the dearest gateway. `is_limited`: by a rate limit."""
    prices, currency = services.settings.price_by_gateway, services.settings.gateway_currency
    counts = Counts(total=clients, sent=clients)
    aws = round(cost.estimate(counts, is_limited=is_limited), DECIMALS_OF_DOLLARS)
    return CostForecast(None if prices is None else parts * max(prices.values()), currency, aws)


def cost_warnings(forecast: CostForecast, mailing: Mailing) -> list[Text]:
    """Whether the texts will cost more than the mailing may cost."""
    most, texts = mailing.max_cost, forecast.texts
    if most is None or texts is None or texts <= most:
        return []
    return [Text("mailing.costs_more", cost=shown_amount(texts), most=shown_amount(most))]


def require_price(services: Services, max_cost: int | None) -> None:
    """Raises BadInput if the maximum could not be kept."""
    if max_cost is not None and services.settings.price_by_gateway is None:
        raise BadInput({"max_cost": [Text("mailing.no_price")]})
