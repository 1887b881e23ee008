"""The simulation of AWS with containers that die, freeze and overlap, on the hostile double of AWS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from typing import Any

from chalicelib.delivery import local_hours
from chalicelib.delivery.fanout import start_mailing
from chalicelib.delivery.sender import Sender
from chalicelib.delivery.sweep import sweep
from infra.local.doubles.crashing_services import Crash
from infra.local.doubles.fake_queues import Delivery
from infra.local.doubles.world import World

from .aws import Chain, HostileAws, longest
from .calls import AWS_ERRORS
from .container import Container, Turn
from .gateway import RefusingGateway
from .knobs import Knobs, recursive_functions, timeouts
from .queue import HostileQueue

CONTAINERS = 3
QUEUES = {"send_queue": "send_messages", "jobs_queue": "run_jobs", "receipts_queue": "settle_receipts"}
"""The queues and the functions that they wake."""

SWEEP_SECONDS = 60
LONGEST_STEP = timedelta(seconds=30)


class HostileWorld(World):
    """`death` is of the next invocation: the number of the call at which it dies, and whether the call takes effect.

    `stopped` has the bodies of messages that Lambda stopped as recursive. `work_meanwhile` runs between two calls.
    """

    def __init__(self, knobs: Knobs, **settings: Any) -> None:
        super().__init__(**settings)
        self.aws = HostileAws(self.services, knobs)
        for name in QUEUES:
            queue = HostileQueue(self.aws, getattr(self.services, name).visibility)
            setattr(self.services, name, queue)
        self.gateway = self.services.gateway = RefusingGateway(self.clock)
        self.aws.overlap = self._overlap
        self.death: tuple[int, bool] | None = None
        self.stopped: list[str] = []
        self.work_meanwhile: Callable[[], None] = self.invoke_something
        self._busy: list[Container] = []
        self._containers = [self._container(number) for number in range(CONTAINERS)]

    def _container(self, number: int) -> Container:
        """The clocks of two containers differ by `skew` at most."""
        return Container(self.aws, (number / (CONTAINERS - 1) - 0.5) * self.aws.knobs.skew)

    def invoke(self, work: Callable[[Any], Any], function: str = "api_handler", chain: Chain | None = None) -> bool:
        """Run one invocation; returns False if it died or failed by an error of AWS."""
        number = self._free_container()
        container = self._containers[number]
        self._begin_turn(container, function, chain or Counter())
        self._busy.append(container)
        try:
            work(container)
        except Crash:
            self.aws.usage.faults["ended turn"] += 1
            self._containers[number] = self._container(number)
            return False
        except (*AWS_ERRORS, ExceptionGroup) as error:
            self._note_error(error)
            return False
        finally:
            self._busy.remove(container)
            usage = self.aws.usage
            usage.largest_turn[function] = max(usage.largest_turn[function], container.turn.calls)
        return True

    def _free_container(self) -> int:
        free = [number for number, container in enumerate(self._containers) if container not in self._busy]
        self.invocations += 1
        return free[self.invocations % len(free)]

    def _begin_turn(self, container: Container, function: str, chain: Chain) -> None:
        if not self._busy:
            self.aws.begin_invocation()
        self.aws.usage.invocations[function] += 1
        self.aws.expire_rows()
        ends_at = self.clock.now() + timedelta(seconds=timeouts()[function])
        death, self.death = self.death, None
        is_slow = self.aws.happens(self.aws.knobs.slow, "slow turn")
        container.turn = Turn(ends_at, *(death or (None, False)), is_slow=is_slow, chain=chain)

    def _note_error(self, error: Exception) -> None:
        """Raises the error if AWS is not its cause."""
        if isinstance(error, ExceptionGroup):
            for one in error.exceptions:
                self._note_error(one)
        elif isinstance(error, AWS_ERRORS):
            self.aws.usage.errors[type(error).__name__] += 1
        else:
            raise error

    def seconds_left(self, services: Any) -> Callable[[], float]:
        return lambda: services.seconds_left

    def sender_of(self, services: Any) -> Sender:
        return services.sender  # type: ignore[no-any-return]

    def receive(self, queue: str, limit: int) -> list[Delivery]:
        """What the event source of a queue hands to its function. Nothing, while the account has no concurrency."""
        deliveries = getattr(self.services, queue).receive(limit)
        return [] if self.aws.happens(self.aws.knobs.no_concurrency, "no concurrency") else deliveries

    def do_jobs(self) -> None:
        while deliveries := self.receive("jobs_queue", 1):
            self.do_job_of(deliveries[0])

    def send_all(self) -> None:
        while self._has_time and (deliveries := self.receive("send_queue", self.batch)):
            self.send(deliveries)

    def settle_all(self) -> None:
        while deliveries := self.receive("receipts_queue", self.batch):
            self.settle(deliveries)

    def do_job_of(self, delivery: Delivery) -> bool:
        return self.deliver("jobs_queue", [delivery], lambda services, kept: self.work_on_job(services, kept[0]))

    def send(self, deliveries: list[Delivery]) -> bool:
        return self.deliver("send_queue", deliveries, self.work_on_batch)

    def settle(self, deliveries: list[Delivery]) -> bool:
        return self.deliver("receipts_queue", deliveries, self.work_on_receipts)

    def deliver(self, queue: str, deliveries: list[Delivery], work: Callable[[Any, list[Delivery]], None]) -> bool:
        function = QUEUES[queue]
        kept = list(self._without_loops(queue, deliveries))
        if not kept:
            return True
        chains = getattr(self.services, queue).chains
        chain = longest([chains[delivery.id] for delivery in kept])
        return self.invoke(lambda services: work(services, kept), function, chain + Counter([function]))

    def _without_loops(self, queue: str, deliveries: list[Delivery]) -> Iterable[Delivery]:
        """Lambda stops a chain of events and drops its message."""
        function, limit = QUEUES[queue], self.aws.knobs.chain
        for delivery in deliveries:
            times = getattr(self.services, queue).chains[delivery.id][function]
            if limit is None or function in recursive_functions() or times < limit:
                yield delivery
                continue
            self.stopped.append(delivery.body)
            getattr(self.services, queue).delete([delivery.receipt_handle])

    def fire_schedules(self) -> None:
        """Each firing may be doubled, late or lost."""
        for mailing_id, at in list(self.services.schedules.times.items()):
            if at <= self._firing_time():
                self.services.schedules.remove(mailing_id)
                self._fire(lambda services, one=mailing_id: start_mailing(services, one))
        for opening in sorted(self.services.schedules.releases):
            if opening[1] <= self._firing_time():
                self.services.schedules.releases.remove(opening)
                self._fire(lambda services, one=opening: local_hours.release(services, *one))

    def _firing_time(self) -> Any:
        return self.clock.now() - timedelta(seconds=self.aws.up_to(self.aws.knobs.late))

    def _fire(self, work: Callable[[Any], Any]) -> None:
        if self.aws.happens(self.aws.knobs.lost, "lost firing"):
            return
        for _ in range(1 + self.aws.happens(self.aws.knobs.doubled, "doubled firing")):
            self.invoke(work, "start_mailing")

    def tick(self) -> None:
        self.fire_schedules()
        self.do_jobs()
        self.send_all()
        self.settle_all()

    def run_sweep(self) -> bool:
        return self.invoke(sweep, "sweep")

    def run_until_ended(
        self, seconds: float, before_each: Callable[[], None] = lambda: None, but: Collection[int] = ()
    ) -> bool:
        """Let the time pass until all mailings but these have ended. Returns False if the seconds are over first."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while any(mailing.is_open for mailing in self.services.mailings.rows.values() if mailing.id not in but):
            if self.clock.now() >= end:
                return False
            before_each()
            self._pass_time()
        return True

    def live(self, seconds: float) -> None:
        """Let the time pass: schedules fire, queues deliver, and the sweep runs every minute."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() < end:
            self._pass_time()

    def _pass_time(self) -> None:
        now = self.clock.now()
        self.busy_until = now + LONGEST_STEP
        self.tick()
        self.busy_until = None
        if self.clock.now().timestamp() // SWEEP_SECONDS != now.timestamp() // SWEEP_SECONDS:
            self.run_sweep()
        self._wait()

    def _wait(self) -> None:
        """Until the next message is visible, a schedule fires or the sweep runs."""
        now = self.clock.now()
        next_sweep = SWEEP_SECONDS - now.timestamp() % SWEEP_SECONDS
        queued = [one.visible_at for name in QUEUES for one in getattr(self.services, name).messages.values()]
        moments = [
            *queued,
            *self.services.schedules.times.values(),
            *(at for _, at in self.services.schedules.releases),
        ]
        moment = min([at for at in moments if at > now], default=now + timedelta(days=1))
        if (moment - now).total_seconds() < next_sweep:
            self.clock.forward_to(moment)
            return
        self.clock.forward(next_sweep)
        self.run_sweep()

    def _overlap(self) -> None:
        """At most one invocation runs inside another."""
        if len(self._busy) < 2:
            self.work_meanwhile()

    def invoke_something(self) -> None:
        if deliveries := self.services.jobs_queue.receive(1):
            self.do_job_of(deliveries[0])
        elif deliveries := self.services.send_queue.receive(self.batch):
            self.send(deliveries)
