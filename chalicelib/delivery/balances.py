"""The balances at the gateways: asked every few minutes, beside the sending, and read by the API and the console.

The functions that send have the gateways' secrets and network, so one of them asks, in an invocation of its own that
handles no messages. An error here is no error of a message.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from ..domain.balance import Balance
from ..domain.money import Amount
from ..errors import RowChanged
from ..logs import log, measure, measure_gateway

if TYPE_CHECKING:
    from ..adapters.services import Services
    from ..adapters.tables.balances import Known

LEAST_INTERVAL = timedelta(seconds=50)
"""No question begins sooner after the last one. The schedule asks every five minutes (infra/stack.json)."""

SECONDS_TO_ASK = 5.0
"""The longest that one gateway may take."""

SECONDS_TO_KEEP = 5.0
"""Reserved at the end of the invocation for the writing of what is known."""


def ask_balances(services: Services, seconds_left: Callable[[], float]) -> dict[str, int]:
    """Ask each gateway once, keep what it tells and measure it. Returns how many have told their balance.

    Errors of one gateway's secret do not stop the others: they are raised together at the end.
    """
    now, limits = services.clock.now(), services.settings.balance_limits
    if not limits:
        return {"told": 0}
    try:
        known = services.balances.begin_to_ask(now, LEAST_INTERVAL)
    except RowChanged:
        return {"told": 0}
    told, errors = _ask_all(services, seconds_left)
    of_now = {gateway: (amount, now) for gateway, amount in told.items()}
    known = {gateway: one for gateway, one in {**known, **of_now}.items() if gateway in limits}
    services.balances.keep(known)
    _measure(_balances(services, known))
    if errors:
        raise ExceptionGroup("some balances were not asked", errors)
    return {"told": len(told)}


def _ask_all(services: Services, seconds_left: Callable[[], float]) -> tuple[dict[str, Amount], list[Exception]]:
    """What those tell that can be asked in the time that is left, and the errors of the others."""
    told: dict[str, Amount] = {}
    errors: list[Exception] = []
    for gateway in services.settings.balance_limits:
        if seconds_left() < SECONDS_TO_ASK + SECONDS_TO_KEEP:
            break
        try:
            answer = services.balance_questions[gateway].ask(SECONDS_TO_ASK)
        except Exception as error:
            log.exception("balance not asked", extra={"gateway": gateway})
            errors.append(error)
            continue
        if answer.balance is None:
            log.warning("balance not told", extra={"gateway": gateway, "reason": answer.problem})
        else:
            told[gateway] = answer.balance
    return told, errors


def known_balances(services: Services) -> list[Balance]:
    """In the order of the gateways; those that have told none are left out. Reads nothing without BALANCE_ALARM."""
    return _balances(services, services.balances.known()) if services.settings.balance_limits else []


def _balances(services: Services, known: Known) -> list[Balance]:
    limits = services.settings.balance_limits
    return [Balance(gateway, *known[gateway], least) for gateway, least in limits.items() if gateway in known]


def _measure(balances: list[Balance]) -> None:
    """A gateway that does not answer keeps its last balance, so that an alarm does not end for that reason."""
    for balance in balances:
        measure_gateway(balance.gateway, {"Balance": balance.amount.units})
    measure({"LowBalances": sum(balance.is_low for balance in balances)})
