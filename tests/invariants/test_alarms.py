"""Each alarm of the template goes off in its scenario. No alarm does in a mailing that goes well, or without mailings.

The scenarios run the real use cases on the fakes, with a double of CloudWatch that evaluates the alarms of
infra/stack.json. `tests/http/test_api_alarms.py` has the alarms of the API.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.clients.imports import check_content, import_content
from chalicelib.domain.audit_record import Author
from chalicelib.domain.message import message_id
from chalicelib.domain.money import UNIT, Amount
from chalicelib.domain.outcome import Kind
from chalicelib.errors import NotRead, NotWritten
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.balances.port import Told
from chalicelib.mailings.lifecycle import pause_mailing, resume_mailing
from chalicelib.reports.daily import send_scheduled
from infra.local.doubles.cloudwatch import ALARM, CloudWatch, alarms_of
from infra.local.doubles.fake_gateway import answer_of
from infra.local.doubles.watched_world import WatchedWorld

STACK_NAME = "notifications-prod"
TEMPLATE = json.loads((Path(__file__).parents[2] / "infra" / "stack.json").read_text(encoding="utf-8"))
OF_THE_API = {"ApiErrorsAlarm", "TokenAuthErrorsAlarm"}
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
HALF_AN_HOUR = 1800
OK, DOWN, HANGS, REFUSED, BAD_TOKEN = None, Answer(503), Answer(None, "ReadTimeout"), Answer(400), Answer(401)


@pytest.fixture(autouse=True)
def _name_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", STACK_NAME)


def watched_world(clients: int = 100, warm: bool = True, **settings: Any) -> WatchedWorld:
    """A stack that has run for some minutes, unless it is not `warm`."""
    world = WatchedWorld(CloudWatch(alarms_of(TEMPLATE, STACK_NAME)), **settings)
    world.clients(clients)
    if warm:
        world.run(10 * MINUTE, step=MINUTE)
    return world


def answer_always(world: WatchedWorld, answer: Answer | None) -> None:
    world.services.gateway.default_answer = answer or world.services.gateway.OK


Begin = Callable[[WatchedWorld], Callable[[], None]]
"""Breaks something, and returns the function that repairs it."""


class Failing:
    """A part whose method fails until it is repaired."""

    def __init__(self, part: Any, method: str, error: Exception) -> None:
        self._part, self._method, self._error = part, method, error

    def __getattr__(self, name: str) -> Any:
        return self._fail if name == self._method else getattr(self._part, name)

    def _fail(self, *_: Any, **__: Any) -> Any:
        raise type(self._error)(*self._error.args)


def break_part(world: WatchedWorld, part: str, method: str, error: Exception) -> Callable[[], None]:
    """Returns the function that repairs the part."""
    whole = getattr(world.services, part)
    setattr(world.services, part, Failing(whole, method, error))
    return lambda: setattr(world.services, part, whole)


def nothing() -> None:
    """Nothing is to be repaired: the alarm ends by itself."""


def gateway_is(answer: Answer, **fields: Any) -> Begin:
    def begin(world: WatchedWorld) -> Callable[[], None]:
        answer_always(world, answer)
        world.mailing(lasts=DAY, **fields)
        return lambda: answer_always(world, OK)

    return begin


def broken(part: str, method: str, error: Exception) -> Begin:
    def begin(world: WatchedWorld) -> Callable[[], None]:
        repair = break_part(world, part, method, error)
        world.mailing(lasts=DAY)
        return repair

    return begin


def refusals_of(kind: Kind) -> Begin:
    """The repair needs a resume too."""

    def begin(world: WatchedWorld) -> Callable[[], None]:
        answer_always(world, answer_of(kind))
        mailing_id = world.mailing(lasts=DAY)

        def repair() -> None:
            answer_always(world, OK)
            resume_mailing(world.services, mailing_id)

        return repair

    return begin


def stopped(*functions: str) -> Begin:
    def begin(world: WatchedWorld) -> Callable[[], None]:
        world.stopped |= set(functions)
        world.mailing(lasts=DAY)
        return world.stopped.clear

    return begin


def a_failing_canary(world: WatchedWorld) -> Callable[[], None]:
    answer_always(world, REFUSED)
    mailing_id = world.mailing(lasts=DAY, canary=5)

    def repair() -> None:
        answer_always(world, OK)
        resume_mailing(world.services, mailing_id)

    return repair


def an_import(world: WatchedWorld) -> None:
    content = b"phone_number\n79774053329\n"
    import_content(
        world.services, content, check_content(content, ""), "clients.csv", Author("anna", world.clock.now(), 0.5)
    )


def an_import_that(begin: Begin) -> Begin:
    def begin_both(world: WatchedWorld) -> Callable[[], None]:
        an_import(world)
        return begin(world)

    return begin_both


def receipts_that(begin: Begin) -> Begin:
    def begin_both(world: WatchedWorld) -> Callable[[], None]:
        mailing_id = world.mailing(lasts=DAY)
        world.run(MINUTE)
        repair = begin(world)
        world.report(message_id(mailing_id, 1))
        return repair

    return begin_both


def garbage(world: WatchedWorld) -> Callable[[], None]:
    world.services.jobs_queue.send_body("garbage")
    return world.services.dead_letters.messages.clear


def an_unverified_sender(world: WatchedWorld) -> Callable[[], None]:
    world.invoke(lambda services: send_scheduled(services, "2026-11-24T09:00:00Z", lambda: 60.0), "SendReport")
    return nothing


def a_balance_that_runs_out(world: WatchedWorld) -> Callable[[], None]:
    """And then a provider that does not answer, which does not end the alarm."""
    world.services.balance_questions.default = Told(Amount(499 * UNIT, "RUB"))
    world.run(6 * MINUTE, step=MINUTE)
    world.services.balance_questions.default = Told(problem="status 503")

    def repair() -> None:
        world.run(HOUR, step=MINUTE)
        assert world.cloudwatch.states["LowBalanceAlarm"] == ALARM
        world.services.balance_questions.default = Told(Amount(500 * UNIT, "RUB"))

    return repair


THROTTLED, BUG = NotWritten("messages: throttled"), ValueError("a bug")


@dataclass(frozen=True)
class Scenario:
    """`within`: minutes until the alarm goes off. Only those `beside` it go off in this time too.

    `settings`: in which the alarm exists, beside those of all scenarios.
    """

    begin: Begin
    within: int
    beside: frozenset[str] = frozenset()
    settings: dict[str, Any] = field(default_factory=dict)


PAUSED = frozenset({"MailingPausedAlarm"})


SCENARIOS = {
    "NothingSentAlarm": Scenario(gateway_is(DOWN), 8),
    "SilenceAlarm": Scenario(stopped("SendMessages"), 38),
    "MailingPausedAlarm": Scenario(a_failing_canary, 5),
    "GatewayRefusedTokenAlarm": Scenario(refusals_of(Kind.CREDENTIALS), 4, PAUSED),
    "InsufficientBalanceAlarm": Scenario(refusals_of(Kind.BALANCE), 4, PAUSED),
    "LowBalanceAlarm": Scenario(a_balance_that_runs_out, 7, settings={"gateway": "smsc", "balance_alarm": 500 * UNIT}),
    "SenderErrorsAlarm": Scenario(broken("messages", "claim_all", THROTTLED), 6),
    "JobErrorsAlarm": Scenario(broken("messages", "add", THROTTLED), 20),
    "SendMessagesErrorsAlarm": Scenario(broken("send_queue", "give_back", BUG), 12),
    "RunJobsErrorsAlarm": Scenario(broken("slices", "lease", BUG), 12),
    "ImportClientsErrorsAlarm": Scenario(an_import_that(broken("import_files", "read", BUG)), 12),
    "SettleReceiptsErrorsAlarm": Scenario(receipts_that(broken("receipts", "record", THROTTLED)), 12),
    "CopyAuditErrorsAlarm": Scenario(an_import_that(broken("audit_bucket", "add", BUG)), 16),
    "JobsQueueAgeAlarm": Scenario(stopped("RunJobs"), 18),
    "ImportsQueueAgeAlarm": Scenario(an_import_that(stopped("ImportClients")), 68),
    "ReceiptsQueueAgeAlarm": Scenario(receipts_that(stopped("SettleReceipts")), 18),
    "DeadLettersAlarm": Scenario(garbage, 3),
    "SweepAlarm": Scenario(stopped("Sweep"), 10),
    "SweepErrorsAlarm": Scenario(broken("mailings", "active_ids", NotRead("mailings")), 6),
    "ReportErrorsAlarm": Scenario(an_unverified_sender, 3),
}


def test_each_alarm_has_a_scenario() -> None:
    assert SCENARIOS.keys() | OF_THE_API == alarms_of(TEMPLATE, STACK_NAME).keys()


@pytest.mark.parametrize("alarm", SCENARIOS)
def test_an_alarm_goes_off_in_its_scenario_alone_and_ends_after_the_repair(alarm: str) -> None:
    reports = {"report_sender": "reports@example.com", "report_recipients": ("anna@example.com",)}
    world = watched_world(**reports, receipts=True, audit_bucket="records", **SCENARIOS[alarm].settings)
    begun, within = world.clock.now(), SCENARIOS[alarm].within * MINUTE
    repair = SCENARIOS[alarm].begin(world)
    world.run(within, step=10)
    assert world.cloudwatch.gone_off() == {alarm} | SCENARIOS[alarm].beside
    assert (world.cloudwatch.first(alarm) - begun).total_seconds() <= within
    repair()
    world.run(2 * HOUR, step=MINUTE)
    assert_nothing_is_wrong(world)


def assert_nothing_is_wrong(world: WatchedWorld) -> None:
    """The alarms of the API have no data here, and are not evaluated as wrong either."""
    assert set(world.cloudwatch.states.values()) == {"OK"}


def highest(world: WatchedWorld, namespace: str, name: str, **dimensions: str) -> float:
    points = world.cloudwatch.points[namespace, name, frozenset(dimensions.items())]
    return max(value for values in points.values() for value in values)


def test_in_an_outage_the_age_of_the_queue_stays_low_and_other_alarms_go_off() -> None:
    world = watched_world()
    answer_always(world, DOWN)
    begun, mailing_id = world.clock.now(), world.mailing(lasts=DAY)
    world.run(2 * HOUR, step=10)
    assert highest(world, "AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName="SendQueue") < HALF_AN_HOUR
    assert world.cloudwatch.gone_off() == {"NothingSentAlarm", "SilenceAlarm"}
    first = world.cloudwatch.first
    assert first("NothingSentAlarm") - begun <= timedelta(minutes=8)
    assert first("SilenceAlarm") - begun <= timedelta(minutes=38)
    answer_always(world, OK)
    world.run(HOUR, step=10)
    assert world.get(mailing_id).status == "finished"
    assert_nothing_is_wrong(world)


def test_a_gateway_that_hangs_leaves_an_alarm_on_after_the_brake_has_paused_the_mailing() -> None:
    world = watched_world()
    answer_always(world, HANGS)
    mailing_id = world.mailing(lasts=DAY)
    world.run(HOUR, step=10)
    assert world.get(mailing_id).status == "paused"
    assert world.cloudwatch.gone_off() == {"NothingSentAlarm", "MailingPausedAlarm"}
    assert [name for name, state in world.cloudwatch.states.items() if state == ALARM] == ["MailingPausedAlarm"]
    answer_always(world, OK)
    resume_mailing(world.services, mailing_id)
    world.run(HOUR, step=10)
    assert_nothing_is_wrong(world)


def test_a_token_that_is_renewed_within_a_minute_raises_its_alarm_and_pauses_nothing() -> None:
    world = watched_world()
    answer_always(world, BAD_TOKEN)
    mailing_id = world.mailing(lasts=DAY)
    world.run(MINUTE - 10, step=10)
    answer_always(world, OK)
    world.run(HOUR, step=10)
    assert world.get(mailing_id).status == "finished"
    assert world.cloudwatch.gone_off() == {"GatewayRefusedTokenAlarm"}
    assert_nothing_is_wrong(world)


def test_a_refused_sender_name_raises_the_alarm_of_the_paused_mailing() -> None:
    world = watched_world()
    repair = refusals_of(Kind.SENDER)(world)
    world.run(4 * MINUTE, step=10)
    assert world.cloudwatch.gone_off() == {"MailingPausedAlarm"}
    repair()
    world.run(HOUR, step=10)
    assert_nothing_is_wrong(world)


def test_an_outage_during_a_mailing_to_one_client_is_heard_as_silence() -> None:
    """Its attempts become so rare that too few minutes have one."""
    world = watched_world(clients=1)
    answer_always(world, DOWN)
    world.mailing(lasts=DAY)
    world.run(38 * MINUTE, step=10)
    assert world.cloudwatch.gone_off() == {"SilenceAlarm"}


def after_a_pause(world: WatchedWorld) -> None:
    mailing_id = world.mailing(lasts=DAY, rate_limit=1)
    world.run(MINUTE)
    pause_mailing(world.services, mailing_id)
    world.run(3 * HOUR, step=MINUTE)
    resume_mailing(world.services, mailing_id)


def after_closed_hours(world: WatchedWorld) -> None:
    opens = world.clock.now() + timedelta(hours=3)
    world.mailing(lasts=2 * DAY, time_from=opens.time(), time_to=(opens + timedelta(hours=5)).time())
    world.run(3 * HOUR - MINUTE, step=MINUTE)
    assert world.get(1).awaits_hours


@pytest.mark.parametrize("begin", [after_a_pause, after_closed_hours])
def test_silence_begins_anew_after_a_pause_and_after_closed_hours(begin: Callable[[WatchedWorld], None]) -> None:
    world = watched_world()
    begin(world)
    world.stopped.add("SendMessages")
    world.run(20 * MINUTE, step=10)
    assert world.cloudwatch.gone_off() == set()
    world.run(18 * MINUTE, step=10)
    assert world.cloudwatch.gone_off() == {"SilenceAlarm"}


def test_an_account_without_free_concurrency_raises_alarms_although_nothing_fails() -> None:
    """Lambda's own metric of throttles is one for each function; what they cause has alarms already."""
    world = watched_world()
    world.mailing(lasts=DAY)
    world.stopped |= {"SendMessages", "RunJobs", "StartMailing", "Sweep"}
    world.run(20 * MINUTE, step=10)
    assert world.cloudwatch.gone_off() == {"JobsQueueAgeAlarm", "SweepAlarm"}


def a_mailing(world: WatchedWorld) -> None:
    world.mailing(lasts=5 * HOUR)


def slow_by_the_rate_of_the_gateway(world: WatchedWorld) -> None:
    world.mailing(lasts=5 * HOUR)


def with_a_canary(world: WatchedWorld) -> None:
    world.mailing(lasts=5 * HOUR, canary=10, rate_limit=1)


def two_mailings(world: WatchedWorld) -> None:
    world.mailing(lasts=5 * HOUR, rate_limit=1)
    world.mailing(lasts=5 * HOUR)


def with_local_hours(world: WatchedWorld) -> None:
    """It is afternoon in UTC, late evening in Tokyo, and early morning in Anchorage."""
    world.clients(20, timezone="Asia/Tokyo")
    world.clients(20, timezone="America/Anchorage")
    world.mailing(lasts=3 * DAY, time_from=time(9), time_to=time(21))


def with_bad_recipients(world: WatchedWorld) -> None:
    """The gateway answers 500 for each twentieth client, whatever happens, and refuses another one."""
    mailing_id = world.mailing(lasts=5 * HOUR)
    answers = {message_id(mailing_id, client): Answer(500) for client in range(1, 101, 20)}
    answers |= {message_id(mailing_id, client): REFUSED for client in range(2, 101, 20)}
    gateway = world.services.gateway
    gateway.next_answer = lambda message: answers.get(message, gateway.OK)  # type: ignore[method-assign]


def paused_by_a_person(world: WatchedWorld) -> None:
    mailing_id = world.mailing(lasts=5 * HOUR, rate_limit=1)
    world.run(MINUTE)
    pause_mailing(world.services, mailing_id)
    world.run(3 * HOUR, step=MINUTE)
    resume_mailing(world.services, mailing_id)


def planned(world: WatchedWorld) -> None:
    world.mailing(starts_in=3 * HOUR, lasts=5 * HOUR)


def without_clients(world: WatchedWorld) -> None:
    world.mailing(lasts=5 * HOUR, filter_tag=("absent",))


def an_import_of_clients(world: WatchedWorld) -> None:
    an_import(world)


def over_before_all_are_sent(world: WatchedWorld) -> None:
    world.mailing(lasts=MINUTE, rate_limit=1)


@pytest.mark.parametrize(
    "begin",
    [
        a_mailing,
        slow_by_the_rate_of_the_gateway,
        with_a_canary,
        two_mailings,
        with_local_hours,
        with_bad_recipients,
        paused_by_a_person,
        planned,
        without_clients,
        an_import_of_clients,
        over_before_all_are_sent,
    ],
)
def test_no_alarm_goes_off_while_all_goes_well(begin: Callable[[WatchedWorld], None]) -> None:
    world = watched_world(gateway_rate=0.05 if begin is slow_by_the_rate_of_the_gateway else None)
    begin(world)
    world.run(HOUR, step=10)
    for _ in range(24):
        if is_done(world):
            break
        world.run(HOUR, step=MINUTE)
    world.run(HOUR, step=MINUTE)
    assert is_done(world)
    assert world.cloudwatch.gone_off() == set()
    assert_nothing_is_wrong(world)


def is_done(world: WatchedWorld) -> bool:
    return all(mailing.status == "finished" for mailing in world.services.mailings.rows.values())


def test_a_stack_without_mailings_is_quiet_and_records_no_metric_that_is_charged() -> None:
    world = watched_world()
    world.run(DAY, step=MINUTE)
    assert world.cloudwatch.gone_off() == set()
    assert {namespace for namespace, _, _ in world.cloudwatch.points} == {"AWS/Lambda", "AWS/SQS"}
    assert_nothing_is_wrong(world)


def test_the_first_deploy_raises_no_alarm_before_the_sweep_could_have_run() -> None:
    world = watched_world(warm=False)
    world.stopped = {"Sweep"}
    world.run(30 * MINUTE, step=MINUTE)
    assert world.cloudwatch.gone_off() == set()
    world.stopped.clear()
    world.run(10 * MINUTE, step=MINUTE)
    assert world.cloudwatch.gone_off() == set()
    assert world.cloudwatch.states["SweepAlarm"] == "OK"
    world.stopped = {"Sweep"}
    world.run(10 * MINUTE, step=MINUTE)
    assert world.cloudwatch.gone_off() == {"SweepAlarm"}
