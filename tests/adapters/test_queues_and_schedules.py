"""Behaviour of the real adapters only: whole batches to SQS, and schedules as EventBridge Scheduler stores them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from moto import mock_aws

from chalicelib.adapters.queues import ONCE, Queue, QueueRefused
from chalicelib.adapters.services import Services
from chalicelib.domain.job_bodies import from_body
from chalicelib.domain.jobs import SendMessage
from chalicelib.retries import LEAST_PAUSE
from infra.local.doubles.aws import STACK_NAME, make_services
from infra.local.doubles.fake_clock import FakeClock
from infra.local.doubles.racing_scheduler import RacingScheduler, create, fire
from tests.refusals import refused_calls, refused_entries

START = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
JOBS = [SendMessage(1, client_id) for client_id in range(4)]


@pytest.fixture
def real() -> Iterator[Services]:
    with mock_aws():
        yield make_services()


def test_messages_are_sent_in_batches_of_ten(real: Services) -> None:
    jobs = [SendMessage(1, client_id) for client_id in range(25)]
    real.send_queue.send(jobs)
    sqs = boto3.client("sqs")
    received = []
    while batch := sqs.receive_message(QueueUrl=real.send_queue.url, MaxNumberOfMessages=10).get("Messages"):
        received += [from_body(message["Body"]) for message in batch]
    assert sorted(received, key=lambda job: job.client_id) == jobs


@pytest.mark.parametrize("delays", [[1], [1, 1, 1]], ids=["too few", "too many"])
def test_a_batch_with_a_wrong_number_of_delays_is_not_sent(real: Services, delays: list[int]) -> None:
    with pytest.raises(ValueError, match="zip"):
        real.send_queue.send([SendMessage(1, 1), SendMessage(1, 2)], delays)
    assert real.send_queue.is_idle()


def test_what_is_sent_once_is_not_repeated_and_is_hidden_for_its_delay(real: Services) -> None:
    clock = FakeClock()
    queue, start = Queue(real.send_queue.url, clock), clock.now()
    with refused_entries("SendMessageBatch", [{"1", "3"}], **ONCE), pytest.raises(QueueRefused, match="2 entries"):
        queue.send_once(JOBS, 60)
    assert clock.now() == start
    assert (queue.size(), queue.receive()) == (2, [])
    unreachable = EndpointConnectionError(endpoint_url="https://sqs")
    with refused_calls("sqs", "SendMessageBatch", unreachable, **ONCE), pytest.raises(QueueRefused):
        queue.send_once(JOBS, 60)


@pytest.mark.parametrize(("refusals", "seconds"), [(0, 0.0), (1, 0.1), (2, 0.3), (4, 1.5)])
def test_refused_entries_of_a_batch_are_sent_again_after_pauses_that_double(
    real: Services, refusals: int, seconds: float
) -> None:
    clock = FakeClock()
    clock.fixed_jitter = 1.0
    start = clock.now()
    with refused_entries("SendMessageBatch", [{"1", "3"}] * refusals):
        Queue(real.send_queue.url, clock).send(JOBS)
    assert (clock.now() - start).total_seconds() == pytest.approx(seconds)
    assert sorted(from_body(message.body).client_id for message in real.send_queue.receive()) == [0, 1, 2, 3]


def test_pauses_between_tries_of_a_batch_have_full_jitter_and_a_least_length(real: Services) -> None:
    clock = FakeClock()
    clock.fixed_jitter = 0.0
    start = clock.now()
    with refused_entries("SendMessageBatch", [{"1"}, {"1"}]):
        Queue(real.send_queue.url, clock).send(JOBS)
    assert clock.now() - start == timedelta(seconds=2 * LEAST_PAUSE)


def test_entries_that_sqs_always_refuses_are_an_error_and_the_others_are_sent(real: Services) -> None:
    refusals = [{"1", "3"}] * 5
    with refused_entries("SendMessageBatch", refusals), pytest.raises(QueueRefused, match="2 entries"):
        Queue(real.send_queue.url, FakeClock()).send(JOBS)
    assert sorted(from_body(message.body).client_id for message in real.send_queue.receive()) == [0, 2]


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://sqs"),
        ReadTimeoutError(endpoint_url="https://sqs"),
        ("RequestThrottled", 403),
        ("KMS.ThrottlingException", 400),
        ("ServiceUnavailable", 503),
    ],
)
def test_a_batch_that_sqs_refuses_as_a_whole_may_be_sent_later(real: Services, error: Any) -> None:
    """A job whose queue refuses it gives up its lease and is repeated within seconds."""
    with refused_calls("sqs", "SendMessageBatch", error), pytest.raises(QueueRefused):
        real.jobs_queue.send(JOBS)
    with refused_calls("sqs", "SendMessageBatch", ("AccessDenied", 403)), pytest.raises(ClientError):
        real.jobs_queue.send(JOBS)


def test_refused_deletions_are_repeated(real: Services) -> None:
    queue = Queue(real.send_queue.url, FakeClock())
    queue.send(JOBS)
    taken = [message.receipt_handle for message in queue.receive()]
    with refused_entries("DeleteMessageBatch", [{"2"}]):
        queue.delete(taken)
    assert queue.is_idle()


def test_an_empty_batch_makes_no_call(real: Services) -> None:
    real.send_queue.send([])
    real.send_queue.give_back({})
    assert real.send_queue.is_idle()


def test_a_returned_message_is_hidden_for_its_delay_and_keeps_the_queue_busy(real: Services) -> None:
    real.send_queue.send([SendMessage(1, 1)])
    sqs = boto3.client("sqs")
    message = sqs.receive_message(QueueUrl=real.send_queue.url)["Messages"][0]
    real.send_queue.give_back({message["ReceiptHandle"]: 900})
    assert "Messages" not in sqs.receive_message(QueueUrl=real.send_queue.url)
    assert not real.send_queue.is_idle()
    real.send_queue.give_back({message["ReceiptHandle"]: 0})
    assert len(sqs.receive_message(QueueUrl=real.send_queue.url)["Messages"]) == 1


def test_a_schedule_invokes_its_lambda_once_and_deletes_itself(real: Services) -> None:
    real.schedules.set(12, START)
    schedule = boto3.client("scheduler").get_schedule(Name="mailing-12", GroupName=STACK_NAME)
    assert schedule["ScheduleExpression"] == "at(2026-12-01T09:30:00)"
    assert schedule["ActionAfterCompletion"] == "DELETE"
    assert schedule["Target"]["Arn"] == real.settings.start_mailing_arn
    assert json.loads(schedule["Target"]["Input"]) == {"mailing": 12}


def test_each_release_has_its_own_schedule(real: Services) -> None:
    real.schedules.set(12, START)
    real.schedules.set_release(12, START)
    real.schedules.set_release(12, START)
    real.schedules.set_release(12, START.replace(hour=18))
    scheduler = boto3.client("scheduler")
    names = [one["Name"] for one in scheduler.list_schedules(GroupName=STACK_NAME)["Schedules"]]
    opens = int(START.timestamp())
    assert sorted(names) == ["mailing-12", f"mailing-12-opens-{opens}", f"mailing-12-opens-{opens + 9 * 3600}"]
    schedule = scheduler.get_schedule(Name=f"mailing-12-opens-{opens}", GroupName=STACK_NAME)
    assert schedule["ScheduleExpression"] == "at(2026-12-01T09:30:00)"
    assert json.loads(schedule["Target"]["Input"]) == {"mailing": 12, "opens_at": opens}


def test_a_schedule_can_be_moved_and_deleted_even_if_it_is_gone(real: Services) -> None:
    real.schedules.set(12, START)
    real.schedules.set(12, START.replace(hour=18))
    scheduler = boto3.client("scheduler")
    schedule = scheduler.get_schedule(Name="mailing-12", GroupName=STACK_NAME)
    assert schedule["ScheduleExpression"] == "at(2026-12-01T18:30:00)"
    real.schedules.set_release(12, START)
    for _ in range(2):
        real.schedules.remove(12)
        real.schedules.remove_release(12, START)
    assert scheduler.list_schedules(GroupName=STACK_NAME)["Schedules"] == []


NAME = "mailing-12"
OTHER_TIME = "at(2026-12-24T18:00:00)"


@pytest.fixture
def racing(real: Services) -> Iterator[RacingScheduler]:
    real.clock = FakeClock()  # type: ignore[assignment]
    with RacingScheduler().installed() as racing:
        yield racing


def time_of(name: str = NAME) -> str:
    return str(boto3.client("scheduler").get_schedule(Name=name, GroupName=STACK_NAME)["ScheduleExpression"])


def schedules() -> list[str]:
    found = boto3.client("scheduler").list_schedules(GroupName=STACK_NAME)["Schedules"]
    return [schedule["Name"] for schedule in found]


def test_a_schedule_that_another_caller_makes_at_the_same_time_is_moved(
    real: Services, racing: RacingScheduler
) -> None:
    racing.before["CreateSchedule"] = [lambda: create(STACK_NAME, NAME, OTHER_TIME)]
    real.schedules.set(12, START)
    assert time_of() == "at(2026-12-01T09:30:00)"
    assert racing.calls == ["CreateSchedule", "UpdateSchedule"]


def test_a_schedule_that_fires_while_it_is_moved_is_made_again(real: Services, racing: RacingScheduler) -> None:
    real.schedules.set(12, START.replace(hour=1))
    racing.before["UpdateSchedule"] = [lambda: fire(STACK_NAME, NAME)]
    real.schedules.set(12, START)
    assert time_of() == "at(2026-12-01T09:30:00)"


def test_a_schedule_that_is_made_and_fires_between_every_two_calls_is_set_at_last(
    real: Services, racing: RacingScheduler
) -> None:
    racing.before["CreateSchedule"] = [lambda: create(STACK_NAME, NAME, OTHER_TIME)] * 3
    racing.before["UpdateSchedule"] = [lambda: fire(STACK_NAME, NAME)] * 3
    real.schedules.set_release(12, START)
    real.schedules.set(12, START)
    assert time_of() == "at(2026-12-01T09:30:00)"


@pytest.mark.parametrize("error", ["ConflictException", "ThrottlingException", "InternalServerException"])
def test_a_schedule_is_set_and_deleted_although_scheduler_refuses_for_a_moment(
    real: Services, racing: RacingScheduler, error: str
) -> None:
    racing.before["CreateSchedule"] = [error] * 4
    racing.before["UpdateSchedule"] = [error] * 4
    real.schedules.set(12, START)
    assert time_of() == "at(2026-12-01T09:30:00)"
    racing.before["DeleteSchedule"] = [error] * 4
    real.schedules.remove(12)
    assert schedules() == []


def test_a_schedule_that_fires_while_it_is_deleted_is_gone(real: Services, racing: RacingScheduler) -> None:
    real.schedules.set(12, START)
    racing.before["DeleteSchedule"] = ["ThrottlingException", lambda: fire(STACK_NAME, NAME)]
    real.schedules.remove(12)
    assert schedules() == []


def test_a_schedule_that_is_refused_for_ever_is_left_to_the_sweep_after_five_seconds(
    real: Services, racing: RacingScheduler, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    start = real.clock.now()
    racing.before["CreateSchedule"] = ["ThrottlingException"] * 1000
    real.schedules.set(12, START)
    assert (real.clock.now() - start).total_seconds() == pytest.approx(5.0)
    (line,) = lines()
    assert (line["message"], line["schedule"]) == ("schedule left to the sweep", NAME)


@pytest.mark.parametrize("error", ["ServiceQuotaExceededException", "ValidationException"])
def test_a_schedule_for_which_the_account_has_no_room_or_scheduler_no_date_is_left_to_the_sweep_at_once(
    real: Services, racing: RacingScheduler, lines: Callable[[], list[dict[str, Any]]], error: str
) -> None:
    """An announcement that fails after it wrote the mailing is made a second time by its caller."""
    start = real.clock.now()
    racing.before["CreateSchedule"] = [error] * 2
    real.schedules.set(12, START)
    real.schedules.set_release(12, START)
    assert real.clock.now() == start
    assert [line["message"] for line in lines()] == ["schedule left to the sweep"] * 2


@pytest.mark.parametrize("error", [EndpointConnectionError, ReadTimeoutError])
def test_a_schedule_is_left_to_the_sweep_if_scheduler_does_not_answer(
    real: Services, racing: RacingScheduler, error: Callable[..., Exception]
) -> None:
    """The mailing is written by then: an error would make the caller announce it a second time."""

    def fail() -> None:
        raise error(endpoint_url="https://scheduler")

    racing.before["CreateSchedule"] = [fail] * 1000
    racing.before["DeleteSchedule"] = [fail] * 1000
    real.schedules.set(12, START)
    real.schedules.remove(12)


def test_a_missing_right_is_not_left_to_the_sweep(real: Services, racing: RacingScheduler) -> None:
    racing.before["CreateSchedule"] = ["AccessDeniedException"]
    with pytest.raises(ClientError, match="AccessDenied"):
        real.schedules.set(12, START)
