"""Any sequence of events on a hostile AWS keeps the invariants, and when the faults end, every mailing ends soon.

"Soon" does not wait for the end date: most mailings here end in days.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from chalicelib.delivery.redrive import redrive
from chalicelib.domain.consent import MARKETING, PURPOSES
from chalicelib.domain.mailing import Mailing
from chalicelib.errors import BadInput, NotFound, NotInThisStatus
from chalicelib.mailings import lifecycle
from chalicelib.mailings.lifecycle import change_mailing
from chalicelib.zones import zone
from infra.local.doubles.hostile.knobs import ON
from infra.local.doubles.hostile.world import QUEUES, HostileWorld
from tests.depth import depth

from .test_any_sequence import Death, Deliveries, canaries, consent_of, deaths, places, windows

KNOBS = ON


DAY = 86_400
TAG = "a"
APPLIED_WITHIN = timedelta(seconds=2)
"""A sender applies a pause, a cancellation, an opt-out, a withdrawn consent or a new end within this time."""

LIVENESS = 3600.0
"""Seconds until every mailing has ended, after the faults: 15 minutes for the longest delay of a retry, as many for
lost messages to be noticed, and as many for what a retry after that finds."""

MOST_ROUNDS = 10
"""Reconciliation rounds of a mailing after the faults. Each hour of waiting may add one; at a limit, five minutes."""

CALLS_OF_A_MINUTE = 12
"""Most of them are of the sweep, and the others of a message whose attempts fail for days."""

CALLS_OF_A_MESSAGE, CALLS_AT_A_LIMIT = 30, 80
"""In batches of one message. At a limit a message asks several times, and each time costs the calls of a batch."""

MOST_CALLS_OF_A_TURN = 200
"""For a batch of ten messages. An outcome is written again until its time is up."""

weathers = st.integers(0, 2**16)
lives = st.sampled_from([120, 900, 2 * DAY, 4 * DAY])
rates = st.sampled_from([None, None, 1, 5])


class HostileDeliveries(Deliveries):
    """The weather is the seed of the faults, and 0 is none: Hypothesis shortens a failing sequence to the fewest."""

    gateway_rate: float | None = None
    looked_up_within = timedelta(minutes=20)

    def __init__(self) -> None:
        super().__init__()
        self.world = HostileWorld(
            KNOBS,
            gateway_dedupes=self.gateway_dedupes,
            gateway_rate=self.gateway_rate,
            gateway_price=7,
            require_consent=True,
        )
        self.services = self.world.services
        self.loses_queues = False
        self.noise = self.world.gateway.refused_mailings
        self.services.gateway.while_posting = self._check_post
        self.world.work_meanwhile = self._work_meanwhile

    @property
    def faults(self) -> int:
        return self.world.aws.usage.faults.total()

    @initialize(
        clients=st.lists(places, min_size=1, max_size=12),
        weather=weathers,
        has_noise=st.booleans(),
        loses_queues=st.booleans(),
    )
    def register(self, clients: list[str], weather: int, has_noise: bool, loses_queues: bool) -> None:
        """`has_noise`: a mailing that the gateway never accepts keeps the send queue busy. `loses_queues`: the last
        fault loses every other message of each queue.
        """
        self.loses_queues = loses_queues
        for number, place in enumerate(clients):
            named = {"attributes": {"number": str(number)}}
            self.world.clients(1, timezone=place, tag=TAG if number % 2 else None, **named, **consent_of(number))
        if has_noise:
            self.noise.add(self.world.mailing(lasts=30 * DAY, filter_op_codes=("900",)))
        self.world.aws.begin_weather(weather)

    @rule(weather=weathers)
    def change_the_weather(self, weather: int) -> None:
        self.world.aws.begin_weather(weather)

    @rule(weather=weathers, seconds=st.sampled_from([5, 30, 90, 200]))
    def live(self, weather: int, seconds: int) -> None:
        self.world.aws.begin_weather(weather)
        self.world.live(seconds)

    @rule(queue=st.sampled_from(sorted(QUEUES)))
    def lose_every_other_queue_message(self, queue: str) -> None:
        for name in list(getattr(self.services, queue).messages)[::2]:
            getattr(self.services, queue).lose(name)

    @rule(
        target=Deliveries.mailing_ids,
        starts_in=st.integers(-60, 300),
        lasts=lives,
        fields=st.just({}) | st.just({}) | windows,
        canary=canaries,
        rate_limit=rates,
        tags=st.sampled_from([(), (TAG,)]),
        purpose=st.sampled_from(PURPOSES),
    )
    def announce(  # type: ignore[override]
        self,
        starts_in: int,
        lasts: int,
        fields: Any,
        canary: Any,
        rate_limit: int | None,
        tags: tuple[str, ...],
        purpose: str,
    ) -> int:
        given = {"rate_limit": rate_limit, "filter_tag": tags, "purpose": purpose, **fields, **canary}
        return self.world.mailing(starts_in=starts_in, lasts=lasts, **given)

    @rule(
        mailing_id=Deliveries.mailing_ids,
        seconds=st.integers(-300, 1500) | st.sampled_from([DAY, 3 * DAY]),
        death=deaths,
    )
    def move_end(self, mailing_id: int, seconds: int, death: Death) -> None:
        super().move_end(mailing_id, seconds, death)

    @rule(mailing_id=Deliveries.mailing_ids, rate_limit=rates, death=deaths)
    def change_rate(self, mailing_id: int, rate_limit: int | None, death: Death) -> None:
        fields: Any = {"rate_limit": rate_limit}
        self._call_api(lambda services: change_mailing(services, mailing_id, fields), death)

    @rule(weather=weathers, death=deaths)
    def fire_the_schedules(self, weather: int, death: Death) -> None:
        self._begin(weather, death)
        self.world.fire_schedules()

    @rule(weather=weathers, death=deaths)
    def work_on_a_job(self, weather: int, death: Death) -> None:
        self._begin(weather, death)
        for delivery in self.world.receive("jobs_queue", 1):
            self.world.do_job_of(delivery)

    @rule(weather=weathers, death=deaths, size=st.integers(1, 10))
    def send_a_batch(self, weather: int, size: int, death: Death) -> None:
        self._begin(weather, death)
        if deliveries := self.world.receive("send_queue", size):
            self.world.send(deliveries)

    @rule(weather=weathers, death=deaths, size=st.integers(1, 10))
    def settle_receipts(self, weather: int, death: Death, size: int) -> None:
        self._begin(weather, death)
        if deliveries := self.world.receive("receipts_queue", size):
            self.world.settle(deliveries)

    @rule(weather=weathers, death=deaths)
    def run_every_sweep(self, weather: int, death: Death) -> None:
        self._begin(weather, death)
        self.world.run_sweep()

    @rule()
    def redrive_the_dead_letters(self) -> None:
        self.world.invoke(lambda services: redrive(services, lambda: 60.0), "redrive_dead_letters")

    def _work_meanwhile(self) -> None:
        """Between two calls of an invocation another one runs, or a person steers a mailing."""
        if self.world.aws.one_of([True, True, False]):
            return self.world.invoke_something()
        mailing_ids = [one for one in self.services.mailings.rows if one not in self.noise]
        steer = self.world.aws.one_of([lifecycle.pause_mailing, lifecycle.resume_mailing, lifecycle.cancel_mailing])
        if mailing_ids:
            self._call_api(lambda services: steer(services, self.world.aws.one_of(mailing_ids)), None)
        return None

    @rule(mailing_id=Deliveries.mailing_ids, weather=weathers, death=deaths)
    def expire_and_extend(self, mailing_id: int, weather: int, death: Death) -> None:
        """The mailing ends with what it has sent, and its end is moved: its expired messages are to be sent."""
        mailing = self.services.mailings.rows.get(mailing_id)
        soon = self.world.clock.now() + timedelta(hours=1)
        if mailing is None or mailing.datetime_end > soon:
            return
        self.world.clock.forward_to(mailing.datetime_end)
        self.world.run_sweep()
        self.world.do_jobs()
        self.world.aws.begin_weather(weather)
        self.move_end(mailing_id, 2 * DAY, None)
        self.work_on_a_job(weather, death)

    def _begin(self, weather: int, death: Death) -> None:
        self.world.aws.begin_weather(weather)
        self.world.death = death

    def _call_api(self, decide: Callable[[Any], Any], death: Death) -> None:
        self.world.death = death
        with suppress(NotFound, NotInThisStatus, BadInput):
            self.world.invoke(decide)

    def _invoke(self, work: Callable[[Any], Any], death: Death) -> bool:
        self.world.death = death
        return self.world.invoke(work)

    def _check_post(self) -> None:
        """A sender learns of a change within APPLIED_WITHIN, and its clock may be wrong."""
        post = self.services.gateway.posts[-1]
        wrong = timedelta(seconds=KNOBS.skew / 2)
        versions = self.services.mailings.rows.versions(post.message_id // 10**10, post.at - APPLIED_WITHIN)
        clients = self.services.clients.rows.versions(post.message_id % 10**10, post.at - APPLIED_WITHIN)
        if not any(client is not None and client.opted_out_at is None for client in clients):
            self.forbidden_posts.append((post, clients))
        elif not any(
            self._may_post(mailing, client, post.at + by)
            for mailing in versions
            for client in clients
            for by in (-wrong, timedelta(), wrong)
        ):
            self.forbidden_posts.append((post, versions))

    def _may_post(self, mailing: Mailing | None, client: Any, at: Any) -> bool:
        if mailing is None or client is None or mailing.status != "running":
            return False
        if mailing.purpose == MARKETING and client.consent is None:
            return False
        is_open = mailing.window is None or mailing.window.is_open(zone(client.timezone), at)
        return is_open and mailing.datetime_start <= at < mailing.datetime_end

    def no_client_is_posted_twice_unless_a_sender_died_between_post_and_record(self) -> None:
        repeats = sum(number - 1 for number in self.services.gateway.accepted.values() if number)
        assert repeats <= (self.faults if self.gateway_dedupes else 0)

    def teardown(self) -> None:
        """The faults end, the gateway works, paused mailings are resumed: then every mailing reaches its right end."""
        world = self.world
        for queue in QUEUES if self.loses_queues else ():
            self.lose_every_other_queue_message(queue)
        world.aws.begin_weather(0)
        world.batch = 1  # so that there are many batches
        self.services.gateway.answers = []
        self.dead_senders = self.faults
        waiting = [mailing for mailing in self.services.mailings.rows.values() if mailing.is_open]
        bill = Bill(world)
        is_ended = world.run_until_ended(self._patience(waiting), self._resume_all, self.noise)
        assert is_ended, [mailing for mailing in self.services.mailings.rows.values() if mailing.is_open]
        self.no_client_is_posted_twice_unless_a_sender_died_between_post_and_record()
        self.nothing_is_posted_outside_the_allowed_time()
        for mailing in self.services.mailings.rows.values():
            if mailing.id not in self.noise:
                self._assert_right_end(mailing)
        assert world.stopped == [], "no chain of events comes back to its function too often"
        bill.assert_bounded(waiting)

    def _assert_right_end(self, mailing: Mailing) -> None:
        self._assert_ended(mailing)
        self._assert_no_message_is_lost(mailing)
        may_expire = mailing.is_over(self.world.clock.now()) or mailing.status == "cancelled"
        assert mailing.counts.expired == 0 or may_expire, mailing

    def _patience(self, waiting: list[Mailing]) -> float:
        """Seconds. Local hours open once a day. At the limit of the gateway each message may need three permits.

        Hours of a minute a day have three messages a day at that limit: such a mailing may last until its end.
        """
        with_hours = [mailing for mailing in waiting if mailing.window is not None]
        if not self.gateway_rate:
            return LIVENESS + DAY * bool(with_hours)
        needed = 3 * sum(mailing.counts.total for mailing in waiting) / self.gateway_rate
        now = self.world.clock.now()
        lasts = max(((mailing.datetime_end - now).total_seconds() for mailing in with_hours), default=0)
        return LIVENESS + max(needed, lasts)


class Bill:
    """What the service uses from now on, after the faults."""

    def __init__(self, world: HostileWorld) -> None:
        self.world = world
        self.begun_at = world.clock.now()
        self.calls, self.rows_read = world.aws.usage.calls.total(), world.aws.usage.rows_read

    def assert_bounded(self, waiting: list[Mailing]) -> None:
        """`waiting`: the mailings that were open at the beginning, as they were. The sweep reads them each minute."""
        usage, services = self.world.aws.usage, self.world.services
        minutes = 1 + (self.world.clock.now() - self.begun_at).total_seconds() / 60
        messages = sum(key[0] in {mailing.id for mailing in waiting} for key in services.messages.rows)
        rounds = [services.mailings.rows[mailing.id].rounds - mailing.rounds for mailing in waiting]
        a_message = CALLS_AT_A_LIMIT if self.world.services.settings.gateway_rate else CALLS_OF_A_MESSAGE
        size = 200 + 100 * len(waiting) + a_message * messages
        assert usage.calls.total() - self.calls <= size + CALLS_OF_A_MINUTE * minutes
        assert usage.rows_read - self.rows_read <= size + (4 + 2 * len(waiting)) * minutes
        minutes_of_a_round = 5 if self.world.services.settings.gateway_rate else 60
        assert max(rounds, default=0) <= MOST_ROUNDS + minutes / minutes_of_a_round
        assert max(usage.largest_turn.values(), default=0) <= MOST_CALLS_OF_A_TURN


class HostileDeliveriesInDoubt(HostileDeliveries):
    """With a gateway that does not deduplicate, no client gets a message twice, whatever fails."""

    gateway_dedupes = False
    resendable = ("expired", "failed")


class HostileDeliveriesAtALimit(HostileDeliveries):
    """The gateway allows a message in twenty seconds, so that most messages wait for longer than a queue can delay."""

    gateway_rate = 0.05


BOUNDS = settings(max_examples=depth(full=50, quick=8, deep=2000), stateful_step_count=60)
TestHostileDeliveries = HostileDeliveries.TestCase
TestHostileDeliveries.settings = BOUNDS
TestHostileDeliveriesInDoubt = HostileDeliveriesInDoubt.TestCase
TestHostileDeliveriesInDoubt.settings = BOUNDS
TestHostileDeliveriesAtALimit = HostileDeliveriesAtALimit.TestCase
TestHostileDeliveriesAtALimit.settings = BOUNDS
