"""Before a mailing is launched: whom it would reach, and when it would have reached them all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ..delivery.rate_limits import limits_of
from ..domain.forecast import Forecast, forecast_mailing
from ..domain.mailing import Mailing
from ..zones import zone
from .audience import Audience, group_audience

if TYPE_CHECKING:
    from ..adapters.services import Services


@dataclass(frozen=True)
class Launch:
    """`rate`: in messages a second; None: as fast as the gateway takes them."""

    audience: Audience
    starts_at: datetime
    rate: float | None
    forecast: Forecast


def foresee_launch(services: Services, mailing: Mailing) -> Launch:
    """Of a mailing that need not have been announced; other mailings are left out of account."""
    audience = group_audience(services, mailing.chosen)
    limits = limits_of(services.settings, mailing)
    rate = limits.lowest if limits else None
    starts_at = max(mailing.datetime_start, services.clock.now().replace(microsecond=0))
    clients = audience.by_timezone
    return Launch(
        audience,
        starts_at,
        rate,
        forecast_mailing(clients, starts_at, mailing.datetime_end, mailing.window, rate, zone),
    )
