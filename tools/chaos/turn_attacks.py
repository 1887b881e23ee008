"""Attacks on the turns of Lambdas: they end at any call or early, or their containers are frozen."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from threading import Lock

from infra.local.stack import DevStack

from .attacks import Attack
from .experiment import BATCH, Experiment, make_visible_sooner, visibility_of
from .processes import frozen, owner_of

CALLS = {"SendMessages": 10, "RunJobs": 60}
"""Calls of one turn with 300 clients, about: a turn is ended at one of them."""

MOST_SECONDS = 100

SHORT_TURN = 14
"""Seconds: enough for the first posts of a batch. A fan-out needs 15 for its page, so it only returns its job."""

SLOW_CALLS = {"delay": 1.5, "delayed": ("UpdateItem", "BatchExecuteStatement", "BatchWriteItem", "SendMessageBatch")}
FROZEN_SECONDS = 25
"""More than a claim of 10 s and its margin, less than the 60 s after which MiniStack ends a turn."""

IDLE_LIMIT = 5
"""Seconds after which the simulator has forgotten an idle connection, with `drops_idle`. A NAT gateway takes 350."""

SETTLED_AFTER = 10
"""Seconds after a pause until senders have nothing in hand: a claim's and some more."""


@dataclass
class TurnEnder:
    """Kills a worker of `function` `left` times, each at a random call, before or after the call takes effect."""

    stack: DevStack
    function: str
    random: Random
    left: int
    killed: int = 0

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._next()

    def _next(self) -> None:
        self._calls_left = self.random.randint(1, CALLS[self.function])
        self._after = self.random.random() < 0.5

    def is_killed(self, port: int, after: bool) -> bool:
        """Called by the proxy for each call to AWS."""
        with self._lock:
            if not self.left or after != self._after:
                return False
            pid = owner_of(port, self.stack.workers(self.function))
            self._calls_left -= pid is not None
            if pid is None or self._calls_left > 0:
                return False
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            self.left -= 1
            self.killed += 1
            self._next()
            return True


def end_at_any_call(function: str, times: int) -> Attack:
    def attack(experiment: Experiment, _: float) -> None:
        target = experiment.target
        ender = TurnEnder(target.stack, function, experiment.random, times)
        target.fault_proxy.inject(is_killed=ender.is_killed)
        deadline = time.monotonic() + MOST_SECONDS
        while ender.left and not experiment.is_over and time.monotonic() < deadline:
            time.sleep(1)
        target.fault_proxy.inject()
        if function == "SendMessages":
            experiment.may_repeat += BATCH * ender.killed

    return attack


def end_turns_early(experiment: Experiment, seconds: float) -> None:
    """The turns of workers are short, and calls to AWS are slow. MiniStack kills a turn that outlasts its time."""
    experiment.await_share(0.05, 0.2)
    target, ended_before = experiment.target, _turns_ended(experiment)
    usual = {function: _limit_turns(experiment, function, SHORT_TURN) for function in CALLS}
    target.fault_proxy.inject(**SLOW_CALLS)
    time.sleep(2 * seconds)
    target.fault_proxy.inject()
    for function, timeout in usual.items():
        _limit_turns(experiment, function, timeout)
    experiment.may_repeat += BATCH * (_turns_ended(experiment) - ended_before)


def _limit_turns(experiment: Experiment, function: str, seconds: int) -> int:
    """MiniStack kills the workers of a function that is changed."""
    if function == "SendMessages":
        experiment.may_repeat += BATCH * len(experiment.target.stack.workers(function))
    return experiment.target.limit_turns(function, seconds)


def _turns_ended(experiment: Experiment) -> int:
    """The number of senders that MiniStack has killed because their time was up."""
    log = (experiment.target.stack.logs / "ministack.log").read_text(errors="replace")
    return sum("-SendMessages-" in line and " timed out after " in line for line in log.splitlines())


def freeze_senders(experiment: Experiment, _: float) -> None:
    """Senders stand still in the middle of their batches, until their claims are over and others have the messages."""
    experiment.await_share(0.1, 0.4)
    target = experiment.target
    queue = target.stack.outputs["SendQueueUrl"]
    usual = visibility_of(queue)
    make_visible_sooner(queue, FROZEN_SECONDS // 2)
    time.sleep(experiment.random.uniform(1, 2))
    pids = target.stack.workers("SendMessages")
    experiment.may_repeat += BATCH * len(pids)
    with frozen(pids):
        time.sleep(FROZEN_SECONDS)
    make_visible_sooner(queue, usual)


def freeze_idle_senders(experiment: Experiment, _: float) -> None:
    """Senders stand still between their turns, and the gateway has forgotten their connections when they go on."""
    experiment.await_share(0.1, 0.4)
    target = experiment.target
    experiment.pause()
    time.sleep(SETTLED_AFTER)
    with frozen(target.stack.workers("SendMessages")):
        time.sleep(2 * IDLE_LIMIT)
    target.simulator.behave(latency=0.3, drops_idle=IDLE_LIMIT)
    experiment.resume()
    experiment.await_share(0.8, 0.9)
    target.simulator.behave(latency=0.3)
