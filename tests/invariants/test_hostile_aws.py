"""The hostile double of AWS misbehaves as its knobs say, and not at all without them."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.adapters.queues import QueueRefused
from chalicelib.domain.audience import Partition
from chalicelib.domain.client import label_key
from chalicelib.domain.jobs import SendMessage, WalkSlice
from chalicelib.domain.message import QUEUED, Claim, Message
from chalicelib.domain.outcome import Kind
from chalicelib.errors import NotWritten, RowChanged
from chalicelib.gateways.port import Sms
from infra.local.doubles.crashing_services import Crash, CrashingServices
from infra.local.doubles.hostile.calls import AwsError
from infra.local.doubles.hostile.knobs import OFF, ON, Knobs
from infra.local.doubles.hostile.world import HostileWorld

ALWAYS = 1.0


def world_with(**knobs: Any) -> HostileWorld:
    """The faults of this world happen in its first weather."""
    world = HostileWorld(replace(OFF, **knobs))
    world.clients(3)
    world.aws.begin_weather(1)
    return world


def call(world: HostileWorld, work: Any, function: str = "run_jobs") -> Any:
    """What one invocation returns or raises."""
    outcome: list[Any] = []

    def run(services: Any) -> None:
        try:
            outcome.append(work(services))
        except Exception as error:
            outcome.append(error)

    world.invoke(run, function)
    return outcome[0] if outcome else Crash


def messages(world: HostileWorld, number: int) -> list[Message]:
    return [Message(1, client_id, QUEUED, world.clock.now()) for client_id in range(1, number + 1)]


def add(world: HostileWorld, number: int) -> Any:
    kept_until = world.clock.now() + timedelta(days=1)
    return call(world, lambda services: services.messages.add(messages(world, number), kept_until))


def test_every_knob_is_off_or_on() -> None:
    assert all(getattr(OFF, field.name) == field.default for field in fields(Knobs))
    same = {field.name for field in fields(Knobs) if getattr(ON, field.name) == getattr(OFF, field.name)}
    assert same == {"in_flight", "max_receives"}, "these two are limits of every queue"


def test_a_mailing_is_sent_without_faults_when_all_knobs_are_off() -> None:
    world = world_with()
    mailing = world.mailing()
    assert world.run_until_ended(120)
    assert world.get(mailing).counts.sent == 3
    assert not world.aws.usage.faults


def test_a_throttled_write_raises_what_its_adapter_raises() -> None:
    world = world_with(throttled=ALWAYS)
    mailing = world.mailing()
    assert isinstance(call(world, lambda services: services.mailings.get(mailing)), AwsError)
    now = world.clock.now()
    assert isinstance(call(world, lambda services: services.mailings.mark_fanned_out(mailing, 1, now)), NotWritten)
    assert isinstance(call(world, lambda services: services.rates.change(dict, "a", lambda _: ({}, now))), AwsError)


def test_a_batch_is_done_in_part() -> None:
    world = world_with(partly_throttled=ALWAYS)
    assert isinstance(add(world, 10), NotWritten)
    assert len(world.services.messages.rows) == 5
    sent = call(world, lambda services: services.send_queue.send([SendMessage(1, 1), SendMessage(1, 2)], [0, 0]))
    assert isinstance(sent, QueueRefused)
    assert len(world.services.send_queue.messages) == 1


def test_a_partition_takes_a_thousand_writes_a_second() -> None:
    world = world_with(write_units=ON.write_units)
    assert isinstance(add(world, 1100), NotWritten)
    assert len(world.services.messages.rows) == 1000
    world.clock.forward(1)
    assert add(world, 900) is None


def test_a_transaction_holds_an_item_for_a_while() -> None:
    world = world_with(held=ALWAYS, held_for=0.08)
    mailing = world.get(world.mailing())
    assert isinstance(
        call(world, lambda services: services.mailings.begin_round(mailing, mailing.datetime_end)), RowChanged
    )
    held = world.aws.usage.faults["held"]
    assert isinstance(
        call(world, lambda services: services.mailings.begin_round(mailing, mailing.datetime_end)), RowChanged
    )
    assert world.aws.usage.faults["held"] == held, "the same transaction"


def test_a_repeated_call_takes_effect_twice() -> None:
    world = world_with(lost_answer=ALWAYS)
    before = world.services.counters.last_id("x")
    assert call(world, lambda services: services.counters.next_id("x")) == before + 2
    add(world, 1)
    now = world.clock.now()
    key = messages(world, 1)[0].key
    assert call(world, lambda services: services.messages.claim(key, now, now + timedelta(seconds=9))) is None


def test_a_call_without_an_answer_has_taken_effect() -> None:
    world = world_with(no_answer=ALWAYS)
    assert isinstance(call(world, lambda services: services.counters.next_id("x")), AwsError)
    assert world.services.counters.last_id("x") == 1


def test_reads_of_an_index_lag_behind() -> None:
    world = world_with(index_lag=3.0)
    world.clients(1, tag="a")
    index = Partition("tag", label_key("a", 4))
    assert call(world, lambda services: services.clients.read(index, 0, 9, 9)) == []
    world.clock.forward(3)
    assert [client.id for client in call(world, lambda services: services.clients.read(index, 0, 9, 9))] == [4]


def test_unconditional_reads_of_a_table_lag_behind() -> None:
    world = world_with(read_lag=1.0)
    assert call(world, lambda services: services.clients.read(Partition("block", 0), 0, 9, 9)) == []
    world.clock.forward(1)
    assert len(call(world, lambda services: services.clients.read(Partition("block", 0), 0, 9, 9))) == 3


def test_a_fan_out_reads_a_table_as_it_is_and_an_index_late() -> None:
    world = world_with(read_lag=1.0, index_lag=3.0)
    world.clients(1, tag="a")

    def read(partition: Partition) -> int:
        return len(call(world, lambda services: services.clients.read_members(partition, 0, 9, 9, [])))

    assert read(Partition("block", 0)) == 4
    assert read(Partition("tag", label_key("a", 4))) == 0


def test_expired_rows_are_deleted() -> None:
    world = world_with(deletes_expired=True)
    add(world, 2)
    world.clock.forward(86_401)
    assert call(world, lambda services: services.messages.rows) == {}


def test_a_deleted_message_is_delivered_again() -> None:
    world = world_with(redelivered=ALWAYS)
    queue = world.services.send_queue
    queue.send([SendMessage(1, 1)])
    queue.delete([delivery.receipt_handle for delivery in queue.receive()])
    assert queue.receive() == []
    world.clock.forward(queue.visibility)
    assert [delivery.receive_count for delivery in queue.receive()] == [2]


def test_a_refused_give_back_leaves_the_message_hidden_for_its_visibility_timeout() -> None:
    world = world_with(part_refused=ALWAYS)
    queue = world.services.send_queue
    queue.send([SendMessage(1, 1)])
    queue.give_back({delivery.receipt_handle: 1 for delivery in queue.receive()})
    world.clock.forward(queue.visibility - 1)
    assert queue.receive() == []
    world.clock.forward(1)
    assert len(queue.receive()) == 1


def test_a_message_that_is_received_too_often_is_a_dead_letter() -> None:
    world = world_with(max_receives=2)
    queue = world.services.send_queue
    queue.send([SendMessage(1, 1)])
    received = []
    for _ in range(3):
        received.append(len(queue.receive()))
        world.clock.forward(queue.visibility)
    assert received == [1, 1, 0]
    assert world.services.dead_letters.size() == 1


def test_a_queue_hands_out_a_limited_number_at_a_time() -> None:
    world = world_with(in_flight=2)
    queue = world.services.send_queue
    queue.send([SendMessage(1, client_id) for client_id in range(1, 6)])
    assert [len(queue.receive(2)), len(queue.receive(2))] == [2, 0]


def test_messages_come_in_no_order() -> None:
    world = world_with(unordered=True)
    queue = world.services.send_queue
    queue.send([SendMessage(1, client_id) for client_id in range(1, 21)])
    received = [delivery.body for delivery in queue.receive(20)]
    assert received != sorted(received, key=len)
    assert len(set(received)) == 20


def test_an_invocation_ends_by_time() -> None:
    world = world_with(slow=ALWAYS, slow_call=100.0)
    assert call(world, lambda services: [services.counters.next_id("x") for _ in range(9)]) is Crash
    assert world.aws.usage.faults["ended turn"] == 1


def test_an_invocation_that_finds_no_concurrency_returns_its_batch_to_the_queue() -> None:
    world = world_with(no_concurrency=ALWAYS)
    world.services.send_queue.send([SendMessage(1, 1)])
    assert world.receive("send_queue", 10) == []
    assert world.services.send_queue.size() == 1


def test_a_chain_that_comes_back_to_its_function_is_stopped_after_sixteen_invocations() -> None:
    """Directly, or through another function. A message that is given back is in no longer chain."""
    world = world_with(chain=ON.chain)
    done = ping_pong(world)
    assert done == {"run_jobs": 16, "send_messages": 16}
    assert len(world.stopped) == 1


def ping_pong(world: HostileWorld) -> Counter[str]:
    """Each function sends a message to the queue of the other."""
    done: Counter[str] = Counter()

    def pass_on(services: Any, queue: str, function: str) -> None:
        done[function] += 1
        getattr(services, queue).send([WalkSlice(1, 1)])

    world.services.jobs_queue.send([WalkSlice(1, 1)])
    for _ in range(40):
        for queue, other in (("jobs_queue", "send_queue"), ("send_queue", "jobs_queue")):
            deliveries = getattr(world.services, queue).receive(1)
            function = {"jobs_queue": "run_jobs", "send_queue": "send_messages"}[queue]
            world.deliver(queue, deliveries, lambda services, _, other=other, f=function: pass_on(services, other, f))
            getattr(world.services, queue).delete([delivery.receipt_handle for delivery in deliveries])
    return done


def test_the_connections_of_a_frozen_container_are_dead_once() -> None:
    world = world_with(idle_socket=60.0)
    world.clock.forward(61)
    outcomes = call(
        world, lambda services: [services.gateway.post("contract", Sms(n, "79000000001", "text"), 1.0) for n in (1, 2)]
    )
    assert [outcome.kind for outcome in outcomes] == [Kind.AMBIGUOUS, Kind.ACCEPTED]
    assert len(world.services.gateway.posts) == 1


def test_the_clocks_of_containers_differ_by_two_seconds() -> None:
    world = world_with(skew=2.0)
    times = [call(world, lambda services: services.clock.now()) - world.clock.now() for _ in range(3)]
    assert max(times) - min(times) == timedelta(seconds=2)


def test_firings_are_doubled_and_lost() -> None:
    for knobs, starts in (({"doubled": ALWAYS}, 2), ({"lost": ALWAYS}, 0), ({}, 1)):
        world = world_with(**knobs)
        world.mailing(starts_in=60)
        world.clock.forward(60)
        world.fire_schedules()
        assert world.aws.usage.invocations["start_mailing"] == starts


def test_another_invocation_runs_between_two_calls() -> None:
    world = world_with(overlap=ALWAYS)
    mailing = world.mailing()
    seen = call(world, lambda services: [services.mailings.get(mailing).status for _ in range(2)])
    assert seen == ["running", "running"]
    assert world.aws.usage.faults["overlap"] >= 1


def test_another_invocation_runs_during_a_post_and_delays_only_its_answer() -> None:
    world = world_with(overlap=ALWAYS)
    begun = world.clock.now()
    world.work_meanwhile = lambda: world.clock.forward(30)
    call(world, lambda services: services.gateway.post("contract", Sms(1, "79000000001", "text"), 1.0))
    assert [post.at for post in world.services.gateway.posts] == [begun]
    assert world.clock.now() >= begun + timedelta(seconds=30)


def claim(world: HostileWorld, number: int) -> list[Any]:
    """Claim this many messages in one call."""
    now = world.clock.now()
    world.services.messages.add(messages(world, number), now + timedelta(days=1))
    claims = [Claim(message.key, now + timedelta(seconds=9), "contract") for message in messages(world, number)]
    found: list[Any] = call(world, lambda services: services.messages.claim_all(claims, now))
    return found


def claimed(world: HostileWorld) -> int:
    """The number of messages that are claimed."""
    return sum(row.attempts for row in world.services.messages.rows.values())


@pytest.mark.parametrize("knob", ["throttled", "held"])
def test_a_refused_statement_has_no_effect_and_its_error_is_its_result(knob: str) -> None:
    world = world_with(**{knob: ALWAYS}, held_for=0.08)
    assert [type(result) for result in claim(world, 3)] == [NotWritten] * 3
    assert claimed(world) == 0


def test_a_batch_of_statements_is_done_in_part() -> None:
    world = world_with(partly_throttled=ALWAYS)
    assert [type(result) for result in claim(world, 4)] == [Message, Message, NotWritten, NotWritten]
    assert claimed(world) == 2


def test_each_statement_takes_a_unit_of_its_partition() -> None:
    world = world_with(write_units=2)
    assert [type(result) for result in claim(world, 3)] == [Message, Message, NotWritten]


def test_a_statement_without_an_answer_has_taken_effect() -> None:
    world = world_with(no_answer=ALWAYS)
    assert [type(result) for result in claim(world, 3)] == [NotWritten] * 3
    assert claimed(world) == 3


def test_a_repeated_statement_takes_effect_once_and_meets_the_first() -> None:
    world = world_with(lost_answer=ALWAYS)
    assert claim(world, 3) == [None] * 3
    assert claimed(world) == 3


def test_thirty_statements_are_two_calls() -> None:
    world = world_with()
    assert len(claim(world, 30)) == 30
    assert world.aws.usage.calls["messages.claim_all"] == 2


@pytest.mark.parametrize(("after", "done"), [(False, 1), (True, 2)])
def test_a_process_dies_between_two_statements(after: bool, done: int) -> None:
    world = world_with()
    world.death = (2, after)
    assert claim(world, 3) is Crash
    assert claimed(world) == done
    world = world_with()
    services = CrashingServices(world.services, 2, after)
    world.services.messages.add(messages(world, 3), world.clock.now())
    claims = [Claim(message.key, world.clock.now(), "contract") for message in messages(world, 3)]
    with pytest.raises(Crash):
        services.messages.claim_all(claims, world.clock.now())  # type: ignore[attr-defined]
    assert claimed(world) == done
