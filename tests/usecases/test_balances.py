"""The balances at the gateways: asked rarely, kept, measured, and never in the way of anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.delivery.balances import ask_balances, known_balances
from chalicelib.domain.money import UNIT, Amount
from chalicelib.gateways.balances.port import Told
from chalicelib.gateways.configured import read_gateways
from infra.local.doubles.fakes import FakeServices

GATEWAYS = json.dumps(
    [
        {"name": "smsc"},
        {"name": "spare", "gateway": "exolve", "sender": "SHOP"},
        {"name": "aero", "gateway": "smsaero", "sender": "SHOP", "balance_alarm": "20"},
    ]
)
MINUTE = timedelta(minutes=1)
RUBLES = Told(Amount(97 * UNIT, "RUB"))


@pytest.fixture(autouse=True)
def _name_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "prod")


def asking(**settings: Any) -> FakeServices:
    return FakeServices(**{"gateways": read_gateways(GATEWAYS), "balance_alarm": 100 * UNIT, **settings})


def ask(services: FakeServices, seconds_left: float = 60.0) -> int:
    return ask_balances(services, lambda: seconds_left)["told"]  # type: ignore[arg-type]


def shown(services: FakeServices) -> list[tuple[str, int, bool]]:
    found = known_balances(services)  # type: ignore[arg-type]
    return [(one.gateway, one.amount.value // UNIT, one.is_low) for one in found]


def test_each_gateway_that_tells_a_balance_is_asked_and_compared_with_its_own_limit() -> None:
    services = asking()
    services.balance_questions.answers = {"smsc": RUBLES, "aero": RUBLES}
    assert ask(services) == 2
    assert services.balance_questions.asked == ["smsc", "aero"]
    assert shown(services) == [("smsc", 97, True), ("aero", 97, False)]


def test_nobody_is_asked_and_nothing_is_read_without_the_setting() -> None:
    services = asking(balance_alarm=None)
    assert (ask(services), shown(services)) == (0, [])
    assert services.balance_questions.asked == []
    assert services.balances.asked_at is None
    assert services.balances.reads == 0


def test_a_gateway_is_asked_once_a_minute_however_often_the_function_is_invoked() -> None:
    services = asking()
    assert [ask(services) for _ in range(5)] == [2, 0, 0, 0, 0]
    services.clock.forward_to(services.clock.now() + MINUTE)
    assert ask(services) == 2
    assert len(services.balance_questions.asked) == 4


def test_a_gateway_that_does_not_answer_keeps_its_last_balance_with_its_time() -> None:
    services = asking()
    ask(services)
    first = services.clock.now()
    services.clock.forward_to(first + 5 * MINUTE)
    services.balance_questions.answers["smsc"] = Told(problem="status 503")
    assert ask(services) == 1
    assert [one.at - first for one in known_balances(services)] == [0 * MINUTE, 5 * MINUTE]  # type: ignore[arg-type]


def test_an_error_of_one_secret_does_not_stop_the_others_and_is_raised_at_the_end() -> None:
    services = asking()
    services.balance_questions.answers["smsc"] = OSError("no such parameter")
    with pytest.raises(ExceptionGroup, match="some balances were not asked"):
        ask(services)
    assert shown(services) == [("aero", 1000, False)]


def test_no_gateway_is_asked_that_the_time_does_not_suffice_for() -> None:
    services, times = asking(), iter([60.0, 9.0])
    assert ask_balances(services, lambda: next(times)) == {"told": 1}  # type: ignore[arg-type]
    assert services.balance_questions.asked == ["smsc"]


def test_the_balance_of_a_gateway_that_is_gone_is_forgotten() -> None:
    services = asking()
    ask(services)
    one = FakeServices(gateway="smsc", balance_alarm=100 * UNIT)
    one.balances.rows = services.balances.rows
    assert shown(one) == [("smsc", 1000, False)]
    assert ask(one) == 1
    assert set(one.balances.rows) == {"smsc"}


def test_a_debt_may_be_allowed() -> None:
    services = asking(gateways=(), gateway="vonage", balance_alarm=-500 * UNIT)
    services.balance_questions.default = Told(Amount(-499 * UNIT, "EUR"))
    ask(services)
    assert shown(services) == [("vonage", -499, False)]


def test_each_gateway_has_a_metric_of_its_own_and_those_below_their_limit_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    services = asking()
    services.balance_questions.answers = {"smsc": RUBLES, "aero": Told(Amount(0, "RUB"))}
    ask(services)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [(line.get("gateway"), line.get("Balance"), line.get("LowBalances")) for line in lines] == [
        ("smsc", [97.0], None),
        ("aero", [0.0], None),
        (None, None, [2]),
    ]
    dimensions = [line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for line in lines]
    assert dimensions == [[["gateway", "service"]], [["gateway", "service"]], [["service"]]]


def test_the_log_names_the_gateway_and_the_problem(lines: Callable[[], list[dict[str, Any]]]) -> None:
    services = asking()
    services.balance_questions.answers["smsc"] = Told(problem="status 403")
    ask(services)
    (line,) = lines()
    assert (line["message"], line["gateway"], line["reason"]) == ("balance not told", "smsc", "status 403")
