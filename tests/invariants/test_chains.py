"""AWS stops a function that invokes itself through queues, directly or through others, about 16 times in a chain.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html. A schedule and a request begin a new
chain; a queue message that returns by its visibility timeout does not continue one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.gateways.answer import Answer
from chalicelib.mailings.lifecycle import change_mailing, pause_mailing, resend_mailing, resume_mailing
from infra.local.doubles.fake_queues import FakeQueue
from infra.local.doubles.world import World

STOPPED_AFTER = 16
Chain = tuple[str, ...]


class ChainedQueue(FakeQueue):
    """Keeps the chain of the invocation that sends a message, as the trace header of SQS does."""

    def __init__(self, world: ChainedWorld, queue: FakeQueue) -> None:
        super().__init__(queue.clock, queue.visibility)
        self.world = world
        self.chains: dict[str, Chain] = {}

    def send_body(self, body: str, delay: int = 0) -> None:
        super().send_body(body, delay)
        self.chains[next(reversed(self.messages))] = self.world.chain


class ChainedWorld(World):
    """`longest`: how often each function is in the chain that has it most often."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.chain: Chain = ()
        self.longest: Counter[str] = Counter()
        self.jobs = self.services.jobs_queue = ChainedQueue(self, self.services.jobs_queue)
        self.messages = self.services.send_queue = ChainedQueue(self, self.services.send_queue)

    def do_job_of(self, delivery: Any) -> None:
        with self.within("run_jobs", self.jobs.chains[delivery.id]):
            super().do_job_of(delivery)

    def send(self, deliveries: list[Any]) -> None:
        with self.within("send_messages", max((self.messages.chains[one.id] for one in deliveries), key=len)):
            super().send(deliveries)

    @contextmanager
    def within(self, function: str, chain: Chain) -> Iterator[None]:
        self.chain = (*chain, function)
        self.longest |= Counter(self.chain)
        yield
        self.chain = ()


def test_no_function_is_in_a_chain_more_than_half_as_often_as_aws_allows() -> None:
    world = ChainedWorld()
    world.clients(900)
    world.services.gateway.answers = [Answer(400)] * 10
    mailing_id = world.mailing(rate_limit=2, canary=40, max_error_rate=10, lasts=7200)
    world.run(240, step=2)
    assert world.get(mailing_id).status == "paused", "the canary fails"
    resume_mailing(world.services, mailing_id)
    world.run(120, step=2)
    pause_mailing(world.services, mailing_id)
    world.run(60, step=2)
    resume_mailing(world.services, mailing_id)
    change_mailing(world.services, mailing_id, {"rate_limit": 3})
    world.run(400, step=2)
    resend_mailing(world.services, mailing_id, ["failed"])
    world.run(200, step=2)
    assert set(world.longest) == {"run_jobs", "send_messages"}
    assert max(world.longest.values()) <= STOPPED_AFTER / 2
    assert world.get(mailing_id).counts.sent == 900
