"""Any sequence of calls, deliveries, crashes and moves of the clock keeps the invariants of the design."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from chalicelib.clients.registry import (
    change_client,
    delete_client,
    opt_in_client,
    opt_out_client,
    withdraw_consent,
)
from chalicelib.delivery import local_hours
from chalicelib.delivery.fanout import start_mailing
from chalicelib.delivery.receipts import take_receipts
from chalicelib.delivery.sweep import sweep
from chalicelib.domain.client import Client
from chalicelib.domain.condition import Condition, Group, Leaf, Received
from chalicelib.domain.consent import MARKETING, PURPOSES
from chalicelib.domain.counts import Counts
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import ACCEPTED, RESENDABLE, SENT, Message
from chalicelib.domain.outcome import Kind
from chalicelib.domain.receipt import RECEIPT_STATUSES, Receipt
from chalicelib.errors import BadInput, NotFound, NotInThisStatus
from chalicelib.gateways.answer import Answer
from chalicelib.gateways.configured import Configured
from chalicelib.mailings import lifecycle
from chalicelib.zones import zone
from infra.local.doubles.crashing_services import Crash, CrashingServices
from infra.local.doubles.fake_gateway import FakeGateway, answer_of
from infra.local.doubles.world import World
from tests.depth import depth

ANSWERS = [
    FakeGateway.OK,
    Answer(None, "ReadTimeout"),
    Answer(None, "ConnectTimeout", never_sent=True),
    Answer(200, "<html>busy</html>"),
    Answer(400),
    Answer(401),
    Answer(429, "", "20"),
    Answer(500),
    *map(answer_of, (Kind.BALANCE, Kind.SENDER, Kind.DUPLICATE, Kind.OPTED_OUT)),
]
PATIENCE = timedelta(hours=4)
"""Longer than any mailing here and any backoff, so that all messages have an outcome."""

Death = tuple[int, bool] | None
places = st.sampled_from(["UTC", "Europe/Moscow", "Asia/Kolkata"])
clocks = st.integers(11 * 60 + 50, 13 * 60 + 30).map(lambda minutes: time(minutes // 60, minutes % 60))
windows = st.just({}) | st.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1]).map(
    lambda pair: {"time_from": pair[0], "time_to": pair[1]}
)
"""The world begins at noon in UTC. These hours open and close during the test, or are closed in some time zones."""

canaries = st.just({}) | st.builds(dict, canary=st.integers(1, 4), max_error_rate=st.sampled_from([0, 50]))
others = st.sampled_from([Leaf("attributes.number", "in", ("2", "4", "6", "8")), Leaf("tag", "present", False)])
deaths = st.none() | st.tuples(st.integers(1, 14), st.booleans())
"""The call at which an invocation dies, and whether the call took effect. None: it does not die."""


def consent_of(number: int) -> dict[str, datetime]:
    """Of the client with this number: two of three have one."""
    return {"consent_at": datetime(2026, 3, 1, tzinfo=UTC)} if number % 3 else {}


class Deliveries(RuleBasedStateMachine):
    """The fakes refuse every change of a status that the tables in domain/ do not allow."""

    mailing_ids = Bundle("mailing_ids")
    gateway_dedupes = True
    gateway_rate: float | None = None
    gateways: tuple[Configured, ...] = ()
    resendable = RESENDABLE
    looked_up_within = timedelta()
    """From the look at the recipients of a named mailing until the rows of the page are written."""

    def __init__(self) -> None:
        super().__init__()
        settings = {
            "gateway_dedupes": self.gateway_dedupes,
            "gateway_rate": self.gateway_rate,
            "gateways": self.gateways,
        }
        self.world = World(**settings, gateway_price=7, require_consent=True)
        self.services = self.world.services
        self.dead_senders = 0
        self.forbidden_posts: list[Any] = []
        self.replaced: set[int] = set()
        self.services.gateway.while_posting = self._check_post

    def _check_post(self) -> None:
        """Checks at the moment of each post that the mailing may send."""
        post = self.services.gateway.posts[-1]
        mailing = self.services.mailings.rows.get(post.message_id // 10**10)
        is_running = mailing is not None and mailing.status == "running"
        if mailing is None or not is_running or not mailing.datetime_start <= post.at < mailing.datetime_end:
            self.forbidden_posts.append((post, mailing))
            return
        client = self.services.clients.rows[post.message_id % 10**10]
        if client.opted_out_at is not None:
            self.forbidden_posts.append((post, client))
        row = self.services.messages.rows[mailing.id, client.id]
        is_marketing = mailing.purpose == MARKETING
        if is_marketing and (client.consent is None or row.consent_at != client.consent):
            self.forbidden_posts.append((post, client, row))
        if mailing.window is not None and not mailing.window.is_open(zone(client.timezone), post.at):
            self.forbidden_posts.append((post, client))
        if mailing.canary is not None and mailing.awaits_canary and mailing.id not in self.replaced:
            tried = [row for row in self._rows(mailing.id) if row.attempts]
            if len(tried) > mailing.canary.size:
                self.forbidden_posts.append((post, mailing.canary, tried))

    def _rows(self, mailing_id: int) -> list[Message]:
        return [row for key, row in self.services.messages.rows.items() if key[0] == mailing_id]

    def _invoke(self, work: Callable[[Any], Any], death: Death) -> bool:
        """Returns whether the invocation survived."""
        self.world.crashing[self.world.invocations] = (
            CrashingServices(self.services, *death) if death else CrashingServices(self.services)
        )
        return self.world.invoke(work)

    def _call_api(self, decide: Callable[[Any], Any], death: Death) -> None:
        """Makes a call of the API: it is refused, is done, or dies on the way."""
        crashing = CrashingServices(self.services, *death) if death else CrashingServices(self.services)
        with suppress(Crash, NotFound, NotInThisStatus, BadInput):
            decide(crashing)

    @initialize(clients=st.lists(places, min_size=1, max_size=12))
    def register(self, clients: list[str]) -> None:
        for number, place in enumerate(clients):
            self.world.clients(1, timezone=place, attributes={"number": str(number)}, **consent_of(number))

    @rule(
        target=mailing_ids,
        starts_in=st.integers(-60, 300),
        lasts=st.integers(30, 3000),
        window=windows,
        canary=canaries,
        purpose=st.sampled_from(PURPOSES),
    )
    def announce(
        self, starts_in: int, lasts: int, window: dict[str, time], canary: dict[str, int], purpose: str
    ) -> int:
        return self.world.mailing(starts_in=starts_in, lasts=lasts, purpose=purpose, **window, **canary)

    @rule(
        target=mailing_ids,
        named=mailing_ids,
        starts_in=st.integers(-60, 300),
        lasts=st.integers(30, 3000),
        expected=st.booleans(),
        joined=st.sampled_from(["all", "any"]),
        other=others,
    )
    def announce_with_a_condition(
        self, named: int, starts_in: int, lasts: int, expected: bool, joined: str, other: Condition
    ) -> int:
        """The recipients of another mailing, or all but them; and which of the clients have an even number."""
        condition = Group(joined, (Received(named, expected), other))
        return self.world.mailing(starts_in=starts_in, lasts=lasts, filter=condition)

    @rule(client_id=st.integers(1, 15), place=places, death=deaths)
    def move_client(self, client_id: int, place: str, death: Death) -> None:
        self._call_api(lambda services: change_client(services, client_id, {"timezone": place}), death)

    @rule(mailing_id=mailing_ids, window=windows, death=deaths)
    def change_hours(self, mailing_id: int, window: Any, death: Death) -> None:
        fields = {"time_from": None, "time_to": None, **window}
        self._call_api(lambda services: lifecycle.change_mailing(services, mailing_id, fields), death)

    @rule(starts_in=st.integers(-60, 300), death=deaths)
    def announce_and_die(self, starts_in: int, death: Death) -> None:
        start = self.world.clock.now() + timedelta(seconds=starts_in)
        fields: Any = {"datetime_start": start, "datetime_end": start + timedelta(seconds=900), "message_text": "text"}
        self._call_api(lambda services: lifecycle.announce_mailing(services, fields), death)

    @rule(number=st.integers(1, 3))
    def register_more(self, number: int) -> None:
        self.world.clients(number)

    @rule(client_id=st.integers(1, 15), death=deaths)
    def delete_client(self, client_id: int, death: Death) -> None:
        self._call_api(lambda services: delete_client(services, client_id), death)

    @rule(client_id=st.integers(1, 15), opts_out=st.booleans(), death=deaths)
    def opt_out_or_in(self, client_id: int, opts_out: bool, death: Death) -> None:
        decide = opt_out_client if opts_out else opt_in_client
        self._call_api(lambda services: decide(services, client_id), death)

    @rule(client_id=st.integers(1, 15), withdraws=st.booleans(), death=deaths)
    def give_or_withdraw_a_consent(self, client_id: int, withdraws: bool, death: Death) -> None:
        def give(services: Any, client_id: int) -> object:
            return change_client(services, client_id, {"consent_at": self.world.clock.now()})

        decide = withdraw_consent if withdraws else give
        self._call_api(lambda services: decide(services, client_id), death)

    @rule(mailing_id=mailing_ids, death=deaths)
    def pause(self, mailing_id: int, death: Death) -> None:
        self._call_api(lambda services: lifecycle.pause_mailing(services, mailing_id), death)

    @rule(mailing_id=mailing_ids, death=deaths)
    def resume(self, mailing_id: int, death: Death) -> None:
        self._call_api(lambda services: lifecycle.resume_mailing(services, mailing_id), death)

    @rule(mailing_id=mailing_ids, death=deaths)
    def cancel(self, mailing_id: int, death: Death) -> None:
        self._call_api(lambda services: lifecycle.cancel_mailing(services, mailing_id), death)

    @rule(mailing_id=mailing_ids, death=deaths)
    def resend(self, mailing_id: int, death: Death) -> None:
        self._call_api(lambda services: lifecycle.resend_mailing(services, mailing_id, self.resendable), death)

    @rule(mailing_id=mailing_ids, seconds=st.integers(-300, 1500), death=deaths)
    def move_end(self, mailing_id: int, seconds: int, death: Death) -> None:
        end = self.world.clock.now() + timedelta(seconds=seconds)
        self._call_api(lambda services: lifecycle.change_mailing(services, mailing_id, {"datetime_end": end}), death)

    @rule(mailing_id=consumes(mailing_ids))
    def delete(self, mailing_id: int) -> None:
        self._call_api(lambda services: lifecycle.delete_mailing(services, mailing_id), None)

    @rule(answers=st.lists(st.sampled_from(ANSWERS), max_size=8))
    def let_the_gateway_answer(self, answers: list[Answer]) -> None:
        self.services.gateway.answers = list(answers)

    @rule(seconds=st.sampled_from([0.5, 1, 5, 20, 60, 130, 400]))
    def wait(self, seconds: float) -> None:
        self.world.clock.forward(seconds)

    @rule(death=deaths)
    def fire_the_schedules(self, death: Death) -> None:
        now = self.world.clock.now()
        for mailing_id, at in list(self.services.schedules.times.items()):
            if at <= now:
                self.services.schedules.remove(mailing_id)
                self._invoke(lambda services, i=mailing_id: start_mailing(services, i), death)
        for opening in sorted(self.services.schedules.releases):
            if opening[1] <= now:
                self.services.schedules.releases.remove(opening)
                self._invoke(lambda services, one=opening: local_hours.release(services, *one), death)

    @rule()
    def lose_the_schedules(self) -> None:
        self.services.schedules.times.clear()
        self.services.schedules.releases.clear()

    @rule(death=deaths)
    def work_on_a_job(self, death: Death) -> None:
        for delivery in self.services.jobs_queue.receive(1):
            self._invoke(lambda services, one=delivery: self.world.work_on_job(services, one), death)

    @rule(death=deaths, size=st.integers(1, 10))
    def send_a_batch(self, size: int, death: Death) -> None:
        deliveries = self.services.send_queue.receive(size)
        if deliveries:
            lived = self._invoke(lambda services: self.world.work_on_batch(services, deliveries), death)
            self.dead_senders += not lived

    @rule(
        places=st.lists(st.integers(0, 40), min_size=1, max_size=6),
        status=st.sampled_from(RECEIPT_STATUSES),
        nonsense=st.booleans(),
        death=deaths,
    )
    def report(self, places: list[int], status: str, nonsense: bool, death: Death) -> None:
        """Of what was posted anything may be reported, answered or not; and of what was not as well."""
        posted = [post.message_id for post in self.services.gateway.posts]
        ids = [posted[place] for place in places if place < len(posted)] + [7, 99 * 10**10 + 1] * nonsense
        receipts = [Receipt(number, status, self.world.clock.now()) for number in ids]
        self._call_api(lambda services: take_receipts(services, receipts), death)

    @rule(death=deaths, size=st.integers(1, 10))
    def settle_receipts(self, death: Death, size: int) -> None:
        deliveries = self.services.receipts_queue.receive(size)
        if deliveries:
            self._invoke(lambda services: self.world.work_on_receipts(services, deliveries), death)

    @rule(death=deaths)
    def run_every_sweep(self, death: Death) -> None:
        self._invoke(sweep, death)

    @rule(queue=st.sampled_from(["send_queue", "jobs_queue", "receipts_queue"]))
    def deliver_everything_again(self, queue: str) -> None:
        bodies = {delivery.body for delivery in getattr(self.services, queue).messages.values()}
        for body in sorted(bodies):
            getattr(self.services, queue).send_body(body)

    @rule(queue=st.sampled_from(["send_queue", "jobs_queue", "receipts_queue"]))
    def lose_a_queue_message(self, queue: str) -> None:
        names = list(getattr(self.services, queue).messages)
        if names:
            getattr(self.services, queue).lose(names[0])

    @invariant()
    def no_client_is_posted_twice_unless_a_sender_died_between_post_and_record(self) -> None:
        repeats = sum(number - 1 for number in self.services.gateway.accepted.values() if number)
        assert repeats <= (self.dead_senders if self.gateway_dedupes else 0)

    @invariant()
    def some_canary_messages_are_replaced(self) -> None:
        """Canary messages that were closed without an answer, or that wait for their local hours, are replaced: then
        more messages are posted than the canary has.
        """
        for mailing in self.services.mailings.rows.values():
            closed = [row for row in self._rows(mailing.id) if row.attempts and row.status in ("expired", "cancelled")]
            if closed or mailing.window is not None:
                self.replaced.add(mailing.id)

    @invariant()
    def receipts_are_counted_at_once(self) -> None:
        for mailing in self.services.mailings.rows.values():
            found = self.world.counted_rows(mailing.id)
            assert (mailing.counts.delivered, mailing.counts.undelivered) == (found.delivered, found.undelivered)

    @invariant()
    def nothing_is_posted_outside_the_allowed_time(self) -> None:
        assert self.forbidden_posts == []

    @invariant()
    def counts_of_ended_mailings_are_exact(self) -> None:
        for mailing in self.services.mailings.rows.values():
            if not mailing.is_open:
                self._assert_ended(mailing)

    def teardown(self) -> None:
        """At the end, with a gateway that works, every mailing ends and every client of the audience has a message."""
        self.services.gateway.answers = []
        deadline = self.world.clock.now() + PATIENCE
        while self.world.clock.now() < deadline and any(one.is_open for one in self.services.mailings.rows.values()):
            self._resume_all()
            self.world.run(300, step=30)
        self.no_client_is_posted_twice_unless_a_sender_died_between_post_and_record()
        self.nothing_is_posted_outside_the_allowed_time()
        for mailing in self.services.mailings.rows.values():
            self._assert_ended(mailing)
            self._assert_no_message_is_lost(mailing)
        counts = [mailing.counts for mailing in self.services.mailings.rows.values()]
        assert self.services.counters.totals() == (len(counts), sum(counts, Counts()))

    def _resume_all(self) -> None:
        """Resumes mailings that were paused by a person or by their canary."""
        for mailing in list(self.services.mailings.rows.values()):
            if mailing.status == "paused":
                lifecycle.resume_mailing(self.services, mailing.id)

    def _assert_ended(self, mailing: Mailing) -> None:
        assert not mailing.is_open, mailing
        assert mailing.ended_at is not None
        assert mailing.counts == self.world.counted_rows(mailing.id)
        assert (mailing.counts.parts, mailing.counts.cost) == self.world.money_by_rows(mailing.id)
        assert mailing.counts.queued == 0

    def _assert_no_message_is_lost(self, mailing: Mailing) -> None:
        """The gateway has accepted every sent message. Every accepted message is sent, unless a sender died after its
        post.
        """
        accepted = self.services.gateway.accepted
        rows = [row for key, row in self.services.messages.rows.items() if key[0] == mailing.id]
        assert all(accepted[row.id] or row.reported_at for row in rows if row.status in ACCEPTED)
        unrecorded = [row for row in rows if accepted[row.id] and row.status not in ACCEPTED]
        assert len(unrecorded) <= self.dead_senders
        if mailing.plan is not None and mailing.status == "finished":
            chosen = {row.client_id for row in rows}
            clients = [client for client in self.services.clients.rows.values() if self._is_chosen(mailing, client)]
            assert chosen >= {client.id for client in clients if client.id <= mailing.plan.last_client_id}
            self._assert_exclusions(mailing, rows)

    def _is_chosen(self, mailing: Mailing, client: Client) -> bool:
        """Whether it is certain: a client that may have received a named mailing meanwhile is not.

        Of a deleted mailing nobody knows.
        """
        messages = self.services.messages.rows
        named = [messages.get((mailing_id, client.id)) for mailing_id in mailing.chosen.named_mailings]
        is_known = not any(one.is_deleted for one in mailing.plan.named or ()) if mailing.plan else False
        has_none = is_known and not any(message is not None and message.status in ACCEPTED for message in named)
        return mailing.chosen.decide(client, () if has_none else None) is True

    def _assert_exclusions(self, mailing: Mailing, rows: list[Message]) -> None:
        """No client is chosen whose message of an excluded mailing was sent before."""
        condition = mailing.chosen.condition
        if not isinstance(condition, Group) or condition.joined != "all" or mailing.plan is None:
            return
        known = {one.id for one in mailing.plan.named or ()}
        for part in condition.parts:
            if isinstance(part, Received) and not part.expected and part.mailing_id in known:
                for row in rows:
                    other = self.services.messages.rows.get((part.mailing_id, row.client_id))
                    is_sent = other is not None and other.status == SENT and other.sent_at is not None
                    assert not (is_sent and other.sent_at + self.looked_up_within < row.created_at), (row, other)


class DeliveriesInDoubt(Deliveries):
    """With a gateway that does not deduplicate, no client gets a message twice, whichever process dies."""

    gateway_dedupes = False
    resendable = ("expired", "failed")

    @invariant()
    def what_a_gateway_may_have_is_never_posted_again(self) -> None:
        taken = Counter(post.message_id for post in self.services.gateway.posts if post.may_be_taken)
        assert all(number == 1 for number in taken.values())


class DeliveriesThroughTwoGateways(DeliveriesInDoubt):
    """The same with two gateways: a message moves between them, and neither detects a repeated id."""

    gateways = tuple(Configured(name, "contract", f"https://{name}.example.com") for name in ("first", "second"))


class DeliveriesWithARate(Deliveries):
    """The queue has at most seven messages of a mailing; the others wait in their rows for feeds."""

    gateway_rate = 0.02


BOUNDS = settings(max_examples=depth(full=60, quick=15), stateful_step_count=40)
TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = BOUNDS
TestDeliveriesInDoubt = DeliveriesInDoubt.TestCase
TestDeliveriesInDoubt.settings = BOUNDS
TestDeliveriesThroughTwoGateways = DeliveriesThroughTwoGateways.TestCase
TestDeliveriesThroughTwoGateways.settings = BOUNDS
TestDeliveriesWithARate = DeliveriesWithARate.TestCase
TestDeliveriesWithARate.settings = settings(BOUNDS, max_examples=depth(full=40, quick=5))
