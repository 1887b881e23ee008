"""The sweep reads only open mailings, and an error of one mailing does not delay the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from chalicelib.delivery.sweep import sweep
from chalicelib.domain.jobs import Job
from chalicelib.domain.mailing import Mailing
from chalicelib.errors import TryAgain
from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import cancel_mailing, resume_mailing
from chalicelib.mailings.stats import snapshot, totals
from infra.local.doubles.fake_mailings import FakeMailings
from infra.local.doubles.fake_queues import FakeQueue, FakeSchedules
from infra.local.doubles.fake_timelines import FakeTimelines
from infra.local.doubles.world import World


class RecordingMailings(FakeMailings):
    """Records which mailings are read."""

    def __init__(self, mailings: FakeMailings) -> None:
        vars(self).update(vars(mailings))
        self.read: list[int] = []

    def get_many(self, mailing_ids: list[int]) -> dict[int, Mailing]:
        self.read += mailing_ids
        return super().get_many(mailing_ids)


class UnstartableMailings(FakeMailings):
    """Every write of mailing 1 fails."""

    def __init__(self, mailings: FakeMailings) -> None:
        vars(self).update(vars(mailings))

    def change(self, before: Mailing, after: Mailing) -> Mailing:
        if before.id == 1:
            raise OSError("throttled")
        return super().change(before, after)


def world_with_due_mailings(number: int) -> World:
    world = World()
    world.clients(2)
    for _ in range(number):
        world.mailing(starts_in=60)
    world.services.schedules.times.clear()
    world.clock.forward(61)
    return world


class RefusingQueue(FakeQueue):
    def send(self, jobs: Sequence[Job], delays: Sequence[int] | None = None) -> None:
        raise TryAgain("throttled")


def test_a_decision_whose_jobs_cannot_be_queued_is_left_to_the_sweep() -> None:
    """The decision is written by then: a caller who announced the mailing again would make a second one."""
    world = World()
    world.clients(2)
    queue = world.services.jobs_queue
    world.services.jobs_queue = RefusingQueue(world.clock)
    mailing_id = world.mailing()
    world.services.jobs_queue = queue
    assert sweep(world.services)["start"] == 1
    world.services.jobs_queue = RefusingQueue(world.clock)
    assert cancel_mailing(world.services, mailing_id).status == "cancelled"


def test_due_mailings_are_started_and_the_steps_are_counted() -> None:
    world = world_with_due_mailings(3)
    world.mailing(starts_in=3600)
    taken = sweep(world.services)
    assert {step: number for step, number in taken.items() if number} == {"start": 3}
    assert not any(sweep(world.services).values())


class RecordingSchedules(FakeSchedules):
    """Records the calls that delete a schedule."""

    def __init__(self) -> None:
        super().__init__()
        self.removed: list[int | tuple[int, datetime]] = []

    def remove(self, mailing_id: int) -> None:
        self.removed.append(mailing_id)
        super().remove(mailing_id)

    def remove_release(self, mailing_id: int, opens_at: datetime) -> None:
        self.removed.append((mailing_id, opens_at))
        super().remove_release(mailing_id, opens_at)


def test_the_schedule_of_a_mailing_that_the_sweep_starts_is_deleted() -> None:
    """LocalStack's Scheduler fires nothing, and its list of schedules grew with every mailing."""
    world = World()
    mailing_id, later = world.mailing(starts_in=60), world.mailing(starts_in=3600)
    world.clock.forward(61)
    assert sweep(world.services)["start"] == 1
    assert world.get(mailing_id).status == "running"
    assert set(world.services.schedules.times) == {later}


def test_the_schedule_of_a_release_that_the_sweep_carries_out_is_deleted() -> None:
    world = World()
    world.clients(2, timezone="Asia/Kamchatka")
    mailing_id = world.mailing(lasts=24 * 3600, time_from=time(9), time_to=time(21))
    world.run(600)
    ((_, opens_at),) = world.services.schedules.releases
    world.clock.forward_to(opens_at + timedelta(minutes=1))
    assert sweep(world.services)["release"] == 1
    assert world.get(mailing_id).releases == set()
    assert world.services.schedules.releases == set()


def test_schedules_that_fire_are_deleted_without_a_call_of_the_sweep() -> None:
    world = World()
    world.services.schedules = schedules = RecordingSchedules()
    world.clients(2, timezone="Asia/Kamchatka")
    world.mailing(starts_in=90, lasts=24 * 3600, time_from=time(9), time_to=time(21))
    world.run(24 * 3600, step=30)
    assert schedules.releases == set()
    assert schedules.removed == [1], "by the simulation itself, when the schedule fires"


def measured(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The metrics of the lines that were printed since the last call."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [{metric["Name"]: line[metric["Name"]][0] for metric in described(line)} for line in lines]


def described(line: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    return found


def test_the_sweep_measures_the_longest_silence_also_if_it_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    world = world_with_due_mailings(2)
    sweep(world.services)
    assert measured(capsys) == [], "no mailing has started"
    sweep(world.services)
    assert measured(capsys) == [{"SilentSeconds": 0}]
    world.clock.forward(1800)
    sweep(world.services)
    assert measured(capsys) == [{"SilentSeconds": 1800}]


def test_the_sweep_counts_the_mailings_that_the_service_has_paused(capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    world.clients(3)
    world.services.gateway.default_answer = Answer(400)
    mailing_id = world.mailing(canary=2)
    world.run(300)
    assert world.get(mailing_id).status == "paused"
    capsys.readouterr()
    sweep(world.services)
    assert measured(capsys) == [{"PausedMailings": 1}]
    resume_mailing(world.services, mailing_id)
    sweep(world.services)
    assert [set(metrics) for metrics in measured(capsys)] == [{"SilentSeconds"}]


def test_finished_mailings_are_not_read() -> None:
    world = world_with_due_mailings(2)
    for _ in range(50):
        world.mailing(starts_in=-100, lasts=50)
    mailings: Any = RecordingMailings(world.services.mailings)
    world.services.mailings = mailings
    sweep(world.services)
    assert mailings.read == [1, 2]


def test_mailings_that_start_later_are_not_read_by_the_sweep_or_by_the_statistics() -> None:
    world = world_with_due_mailings(2)
    for _ in range(50):
        world.mailing(starts_in=3600)
    mailings: Any = RecordingMailings(world.services.mailings)
    world.services.mailings = mailings
    found = snapshot(world.services)
    assert (mailings.read, found.mailings["scheduled"], found.mailings["ended"]) == ([1, 2], 52, 0)
    sweep(world.services)
    assert totals(world.services)[0] == 52
    assert mailings.read == [1, 2] * 3


def test_a_mailing_that_fails_is_reported_and_does_not_delay_the_others() -> None:
    world = world_with_due_mailings(3)
    world.services.mailings = UnstartableMailings(world.services.mailings)
    with pytest.raises(ExceptionGroup) as failed:
        sweep(world.services)
    assert [str(error) for error in failed.value.exceptions] == ["throttled"]
    assert [world.get(number).status for number in (1, 2, 3)] == ["scheduled", "running", "running"]


def test_messages_in_a_busy_queue_are_not_queued_again() -> None:
    world = world_with_due_mailings(1)
    sweep(world.services)
    world.do_jobs()
    waiting = len(world.services.send_queue.messages)
    world.clock.forward(timedelta(minutes=30).total_seconds())
    assert sweep(world.services)["requeue"] == 0
    assert len(world.services.send_queue.messages) == waiting == 2


class LaggingMailings(FakeMailings):
    """The index of open mailings still has those that have ended."""

    def __init__(self, mailings: FakeMailings) -> None:
        vars(self).update(vars(mailings))

    def active_ids(self, now: datetime) -> list[int]:
        return list(self.rows)


def test_a_mailing_that_has_ended_needs_no_step_while_the_index_still_lists_it() -> None:
    world = world_with_due_mailings(2)
    cancel_mailing(world.services, 1)
    world.run(300)
    rounds = world.get(2).rounds
    world.services.mailings = LaggingMailings(world.services.mailings)
    world.clock.forward(300)
    assert not any(sweep(world.services).values())
    assert world.get(2).rounds == rounds


def test_a_mailing_that_makes_progress_is_sampled_once_a_minute() -> None:
    world = World()
    world.clients(300)
    mailing_id = world.mailing(rate_limit=1)
    waits = world.mailing(starts_in=1800)
    world.run(600)
    mailing, samples = world.get(mailing_id), world.services.timelines.samples(mailing_id)
    assert mailing.status == "finished"
    assert 4 <= len(samples) <= 6, "300 seconds at one a second"
    sent = [sample.counts.sent for sample in samples]
    assert sent == sorted(sent)
    assert samples[-1].posts == sent[-1]
    assert world.services.timelines.samples(waits) == []


class ThrottledTimelines(FakeTimelines):
    def keep_sample(self, *_: Any) -> None:
        raise TryAgain("throttled")


def test_a_sample_that_cannot_be_written_stops_no_step_of_the_sweep() -> None:
    world = World()
    world.clients(20)
    world.services.timelines = ThrottledTimelines()
    mailing_id = world.mailing(rate_limit=1)
    world.run(120)
    assert world.get(mailing_id).status == "finished"
    assert world.get(mailing_id).counts.sent == 20
