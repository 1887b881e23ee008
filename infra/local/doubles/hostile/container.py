"""A container of Lambda: the services as one process sees them, with a clock of its own and calls that can fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import takewhile
from typing import Any, NoReturn

from chalicelib.adapters.tables.batches import WRITES
from chalicelib.delivery.sender import Sender
from chalicelib.domain.message import MessageShard
from chalicelib.errors import NotWritten
from chalicelib.gateways.answer import Answer, silence
from infra.local.doubles.crashing_services import PARTS, Crash

from .aws import Chain, HostileAws
from .calls import Call, call_of, is_lost_answer_repeated, item_of, lag_of, subject_of

QUIET_CALL = 0.005
"""Seconds of a call to AWS."""

DEAD_SOCKET = silence(Answer(None, "ConnectionError"))
"""What a post gets over a connection that died while the container was frozen. The adapter cannot tell whether the
gateway has the request."""


@dataclass
class Turn:
    """One invocation. `dies_at`: the step at which the process ends, a call or an entry of a batch of statements;
    `after`: the step takes effect before."""

    ends_at: datetime
    dies_at: int | None = None
    after: bool = False
    is_slow: bool = False
    chain: Chain = field(default_factory=Counter)
    calls: int = 0
    steps: int = 0
    is_dead: bool = False


class ContainerClock:
    """It differs from the true time by `offset`. A sleep that outlasts the invocation ends the process."""

    def __init__(self, container: Container, offset: timedelta) -> None:
        self._container = container
        self.offset = offset

    def now(self) -> datetime:
        return self._container.aws.clock.now() + self.offset

    def jitter(self) -> float:
        return self._container.aws.clock.jitter()

    def sleep(self, seconds: float) -> None:
        self._container.spend(seconds)

    def sleep_until(self, moment: float) -> None:
        self._container.spend(max(0.0, moment - self.now().timestamp()))


class Container:
    """The same parts as FakeServices. `turn` is the present invocation; caches and the sender outlive it."""

    def __init__(self, aws: HostileAws, offset: float = 0.0) -> None:
        self.aws = aws
        services = aws.services
        self.settings = services.settings
        self.thread_pool = services.thread_pool
        self.dead_letters = services.dead_letters
        self.idempotency_keys = services.idempotency_keys
        self.clock = ContainerClock(self, timedelta(seconds=offset))
        self.turn = Turn(datetime.max.replace(tzinfo=aws.clock.now().tzinfo))
        self.posted_at = aws.clock.now()
        for name in PARTS:
            setattr(self, name, _Part(self, name, getattr(services, name)))

    @cached_property
    def sender(self) -> Sender:
        return Sender(self)  # type: ignore[arg-type]

    @property
    def seconds_left(self) -> float:
        return (self.turn.ends_at - self.aws.clock.now()).total_seconds()

    def spend(self, seconds: float) -> None:
        """The process ends if its invocation has no more time."""
        if self.turn.is_dead or seconds >= self.seconds_left:
            self._die()
        self.aws.clock.forward(seconds)

    def call(self, part: str, name: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        if call_of(f"{part}.{name}").is_of_statements:
            return self._call_statements(f"{part}.{name}", function, *arguments)
        self._begin_call(f"{part}.{name}")
        self._begin_step()
        if part == "gateway":
            return self._post(function, *arguments, **named) if name == "post" else function(*arguments, **named)
        self._overlap()
        self._pass_time()
        result = self._do(f"{part}.{name}", function, arguments, named)
        self._end_step()
        self.aws.usage.rows_read += 0 if call_of(f"{part}.{name}").is_write else _rows_in(result)
        return result

    def _call_statements(self, name: str, function: Callable[..., Any], entries: Sequence[Any], *others: Any) -> Any:
        """25 in a call. A part of them may be throttled, and the process may end between two of them."""
        results: list[Any] = []
        for start in range(0, len(entries), WRITES):
            self._begin_call(name)
            self._overlap()
            self._pass_time()
            batch = entries[start : start + WRITES]
            done = len(batch) // (1 + self.aws.happens(self.aws.knobs.partly_throttled, "partly throttled"))
            results += [self._result_of(name, function, entry, others) for entry in batch[:done]]
            results += [call_of(name).refused(f"{name} is throttled") for _ in batch[done:]]
        return results

    def _result_of(self, name: str, function: Callable[..., Any], entry: Any, others: Any) -> Any:
        self._begin_step()
        try:
            [result] = self._do(name, function, ([entry], *others), {})
        except NotWritten as error:
            result = error
        self._end_step()
        return result

    def _begin_call(self, name: str) -> None:
        self.turn.calls += 1
        self.aws.usage.calls[name] += 1
        if self.turn.is_dead:
            self._die()

    def _overlap(self) -> None:
        if self.aws.happens(self.aws.knobs.overlap, "overlap"):
            self.aws.overlap()

    def _begin_step(self) -> None:
        self.turn.steps += 1
        if self.turn.is_dead or (self.turn.steps == self.turn.dies_at and not self.turn.after):
            self._die()

    def _end_step(self) -> None:
        if self.turn.steps == self.turn.dies_at:
            self._die()

    def _die(self) -> None:
        self.turn.is_dead = True
        raise Crash

    def _pass_time(self) -> None:
        self.spend(self.aws.up_to(self.aws.knobs.slow_call) if self.turn.is_slow else QUIET_CALL)

    def _post(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """The time of a post passes after it begins, and others work meanwhile: a post under way finishes.

        Connections that were idle for long are dead.
        """
        now, idle = self.aws.clock.now(), self.aws.knobs.idle_socket
        is_dead = idle is not None and not self.aws.is_calm and (now - self.posted_at).total_seconds() > idle
        self.posted_at = now
        if is_dead:
            self.aws.usage.faults["dead socket"] += 1
        answer = DEAD_SOCKET if is_dead else function(*arguments, **named)
        self._overlap()
        self._pass_time()
        self._end_step()
        return answer

    def _do(self, name: str, function: Callable[..., Any], arguments: Any, named: Any) -> Any:
        aws, knobs, call = self.aws, self.aws.knobs, call_of(name)
        before, aws.chain = aws.chain, self.turn.chain
        try:
            if call.is_batch and aws.happens(knobs.partly_throttled, "partly throttled"):
                self._do_part(call, function, arguments, named, len(arguments[0]) // 2)
            if aws.happens(knobs.throttled, "throttled"):
                raise call.refused(f"{name} is throttled")
            if name.startswith("messages."):
                self._load_partition(name, function, arguments, named)
            if call.lost_race is not None and aws.is_held(item_of(name, subject_of(call, arguments))):
                raise call.lost_race(f"a transaction holds the item of {name}")
            result = self._lagging(name, function, arguments)(*arguments, **named)
            if not call.is_write:
                return result
            if is_lost_answer_repeated(name, arguments, named) and aws.happens(knobs.lost_answer, "lost answer"):
                result = function(*arguments, **named)
            if aws.happens(knobs.no_answer, "no answer"):
                raise call.refused(f"{name} has no answer")
            return result
        finally:
            aws.chain = before

    def _do_part(self, call: Call, function: Callable[..., Any], arguments: Any, named: Any, number: int) -> NoReturn:
        """The first entries of a batch take effect, and the rest is refused."""
        batch = list(arguments[0])
        others = [argument[:number] if isinstance(argument, list) else argument for argument in arguments[1:]]
        if number:
            function(batch[:number], *others, **named)
        raise call.refused(f"{len(batch) - number} of {len(batch)} are unprocessed")

    def _load_partition(self, name: str, function: Callable[..., Any], arguments: Any, named: Any) -> None:
        """Take the units of a call from the partition of its messages."""
        take, call, is_taken = self.aws.partitions, call_of(name), True
        first = subject_of(call, arguments)
        if name == "messages.add":
            taken = sum(1 for _ in takewhile(take.take_write, first))
            if taken < len(first):
                self.aws.usage.faults["full partition"] += 1
                self._do_part(call, function, arguments, named, taken)
        elif isinstance(first, MessageShard):
            is_taken = take.take_read(first, _rows_in(function(*arguments, **named)))
        else:
            is_taken = not call.is_write or take.take_write(first)
        if not is_taken:
            self.aws.usage.faults["full partition"] += 1
            raise call.refused(f"the partition of {name} is full")

    def _lagging(self, name: str, function: Callable[..., Any], arguments: Any) -> Callable[..., Any]:
        """The read of an index, or of a table without ConsistentRead, sees the rows of a moment ago."""
        lag = self.aws.up_to(lag_of(name, arguments, self.aws.knobs))
        if not lag:
            return function
        part: Any = getattr(function, "__self__", None)
        view = copy(part)
        view.rows = part.rows.as_of(self.aws.clock.now() - timedelta(seconds=lag))
        return getattr(view, name.partition(".")[2])  # type: ignore[no-any-return]


class _Part:
    def __init__(self, container: Container, name: str, part: Any) -> None:
        self._container = container
        self._name = name
        self._part = part

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        if not callable(value):
            return value
        return lambda *arguments, **named: self._container.call(self._name, name, value, *arguments, **named)


def _rows_in(result: Any) -> int:
    return len(result) if isinstance(result, list | dict | tuple) else int(result is not None)
