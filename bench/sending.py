"""Send 9,000 messages, beside two loops of claim, post and settle with as many threads.

One loop claims and settles each message by itself, the other 25 in a call. The three alternate, a thousand messages
each, in the batches of a hundred that Lambda passes. The loops decide, count and log nothing, and do not read clients.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import requests
from botocore.config import Config
from requests.adapters import HTTPAdapter

from chalicelib.adapters.services import Services
from chalicelib.delivery.batch import GROUP
from chalicelib.delivery.sender import Sender
from chalicelib.domain.audience import Plan
from chalicelib.domain.counts import Counts
from chalicelib.domain.job_bodies import to_body
from chalicelib.domain.jobs import ReceivedMessage, SendMessage
from chalicelib.domain.mailing import RUNNING, Mailing
from chalicelib.domain.message import QUEUED, SENT, Message, message_id
from infra.local.doubles.aws import STACK_NAME
from infra.local.simulator import DEFAULT_TOKEN

from .measure import Row, compare
from .stacks import fill, gateway, muted_logs, tables_and_queues

MESSAGES, ROUNDS, BATCH = 9_000, 9, 100
"""With five turns the ratio at 50 ms varied by 0.07 from run to run, and it lies less than that above its limit."""

LATENCIES = {0.0: 50, 0.05: 50, 0.5: 100}
"""Latency of the gateway in seconds, and threads. With 50 threads a latency of 0.5 s would hide all other time."""

LEAST, LEAST_OF_SINGLE = 0.8, {0.0: 1.6, 0.05: 1.6, 0.5: None}
"""Ratios to the loop that batches and to the loop of single calls."""

TABLE = f"{STACK_NAME}-messages"
NUMBER = {"N": "1"}
ONE = {":one": NUMBER}

SINGLE, GROUPED = 1000, 2000
"""Added to the id of a mailing for the ids of the loops' mailings."""


def run() -> list[Row]:
    rows = []
    with gateway() as url, tables_and_queues(url) as services, muted_logs():
        fill(MESSAGES)
        for number, (latency, threads) in enumerate(LATENCIES.items(), start=1):
            requests.put(f"{url}/control", json={"latency": latency}, timeout=5).raise_for_status()
            rows += _measure(Services(replace(services.settings, sender_threads=threads)), number, latency, threads)
    return rows


def _measure(services: Services, number: int, latency: float, threads: int) -> list[Row]:
    _announce(services, number)
    sender, loop = Sender(services), Loop(services, threads)
    size = MESSAGES // ROUNDS
    works: list[Callable[[range], None]] = [
        lambda ids: _send(sender, number, ids),
        lambda ids: loop.send_each(number + SINGLE, ids),
        lambda ids: loop.send_groups(number + GROUPED, ids),
    ]
    rounds = [range(index * size + 1, (index + 1) * size + 1) for index in range(ROUNDS)]
    found = [[_timed(size, lambda work=work, ids=ids: work(ids)) for work in works] for ids in rounds]
    (ours, our_cpu), (single, single_cpu), (grouped, grouped_cpu) = (
        zip(*(timed[index] for timed in found), strict=True) for index in range(len(works))
    )
    what = f"sending {MESSAGES:,}, gateway at {latency * 1000:.0f} ms"
    return [
        compare(f"{what}: messages", "a second", ours, single, least=LEAST_OF_SINGLE[latency]),
        compare(f"{what}: beside batches", "a second", ours, grouped, least=LEAST),
        compare(f"{what}: processor time", "ms each", our_cpu, single_cpu),
        compare(f"{what}: processor time beside batches", "ms each", our_cpu, grouped_cpu),
    ]


def _timed(size: int, work: Callable[[], None]) -> tuple[float, float]:
    """Messages a second, and milliseconds of processor time for each message."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return size / (time.perf_counter() - began), 1000 * (time.process_time() - cpu) / size


def _announce(services: Services, number: int) -> None:
    """Write a running mailing, the rows of its messages, and those of the loop's mailing."""
    now = services.clock.now()
    counts = Counts(total=2 * MESSAGES)  # more than are sent, so that it does not end
    plan = Plan("block", MESSAGES, 1, 1)
    end = now + timedelta(hours=1)
    services.mailings.add(Mailing(number, now, end, "bench", status=RUNNING, plan=plan, counts=counts))
    for mailing_id in (number, number + SINGLE, number + GROUPED):
        messages = [Message(mailing_id, client_id, QUEUED, now) for client_id in range(1, MESSAGES + 1)]
        with ThreadPoolExecutor(8) as threads:
            parts = [messages[start : start + 250] for start in range(0, MESSAGES, 250)]
            list(threads.map(lambda part: services.messages.add(part, end), parts))


def _send(sender: Sender, mailing_id: int, ids: range) -> None:
    bodies = [to_body(SendMessage(mailing_id, client_id)) for client_id in ids]
    records = [ReceivedMessage(str(index), "none", body, 1) for index, body in enumerate(bodies)]
    for start in range(0, len(records), BATCH):
        assert not sender.send_batch(records[start : start + BATCH], lambda: 60.0), "a message was returned"


class Loop:
    """The bare minimum: conditional writes and posts by boto3 and requests."""

    def __init__(self, services: Services, threads: int) -> None:
        self.threads = threads
        self.dynamodb = boto3.client("dynamodb", config=Config(max_pool_connections=threads))
        self.session, self.url = _session(threads), services.settings.gateway_url

    def send_each(self, mailing_id: int, ids: range) -> None:
        def send(client_id: int) -> None:
            self._update(mailing_id, client_id, "SET claimed_until = :until ADD attempts :one", ONE)
            self._post(mailing_id, client_id)
            self._update(mailing_id, client_id, "SET #status = :sent, sent_at = :now, claimed_until = :until", _sent())

        with ThreadPoolExecutor(self.threads) as pool:
            for start in range(0, len(ids), BATCH):
                list(pool.map(send, ids[start : start + BATCH]))

    def send_groups(self, mailing_id: int, ids: range) -> None:
        def claim(group: range) -> Iterator[None]:
            self._execute(mailing_id, group, "SET claimed_until = ? SET attempts = attempts + ?", [NUMBER, NUMBER])
            return pool.map(lambda client_id: self._post(mailing_id, client_id), group)

        with ThreadPoolExecutor(self.threads) as pool:
            for start in range(0, len(ids), BATCH):
                batch = ids[start : start + BATCH]
                groups = [batch[first : first + GROUP] for first in range(0, BATCH, GROUP)]
                for group, posts in [(group, claim(group)) for group in groups]:
                    list(posts)
                    values = [{"S": SENT}, {"S": _now()}, NUMBER]
                    self._execute(mailing_id, group, "SET status = ? SET sent_at = ? SET claimed_until = ?", values)

    def _post(self, mailing_id: int, client_id: int) -> None:
        number = message_id(mailing_id, client_id)
        body = {"id": number, "phone": 79770000000 + client_id, "text": "bench"}
        self.session.post(f"{self.url}/v1/send/{number}", json=body, timeout=10).raise_for_status()

    def _update(self, mailing_id: int, client_id: int, expression: str, values: dict[str, Any]) -> None:
        self.dynamodb.update_item(
            TableName=TABLE,
            Key={"part": {"S": f"{mailing_id}#0"}, "client_id": {"N": str(client_id)}},
            UpdateExpression=expression,
            ConditionExpression="#status = :queued",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":queued": {"S": QUEUED}, ":until": NUMBER, **values},
            ReturnValues="ALL_NEW",
        )

    def _execute(self, mailing_id: int, ids: range, sets: str, values: list[Any]) -> None:
        text = f'UPDATE "{TABLE}" {sets} WHERE part = ? AND client_id = ? AND status = ? RETURNING ALL NEW *'
        keys = [[{"S": f"{mailing_id}#0"}, {"N": str(client_id)}, {"S": QUEUED}] for client_id in ids]
        statements = [{"Statement": text, "Parameters": [*values, *key]} for key in keys]
        answers = self.dynamodb.batch_execute_statement(Statements=statements)["Responses"]
        assert not any("Error" in answer for answer in answers), answers


def _session(threads: int) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=threads))
    session.headers["Authorization"] = f"Bearer {DEFAULT_TOKEN}"
    return session


def _sent() -> dict[str, Any]:
    return {":sent": {"S": SENT}, ":now": {"S": _now()}}


def _now() -> str:
    return datetime.now(UTC).isoformat()
