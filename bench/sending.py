"""Sending 5,000 messages, beside a loop of claim, post and settle with as many threads.

A thousand each in turns, both in batches of a hundred, as Lambda hands them to any program. The loop neither decides,
nor counts, nor logs, nor asks who the client is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import requests
from botocore.config import Config
from requests.adapters import HTTPAdapter

from chalicelib.adapters.services import Services
from chalicelib.delivery.sender import Sender
from chalicelib.domain.audience import Plan
from chalicelib.domain.jobs import ReceivedMessage, SendMessage, to_body
from chalicelib.domain.mailing import RUNNING, Counts, Mailing
from chalicelib.domain.message import QUEUED, Message, message_id
from infra.local.doubles.aws import STACK_NAME
from infra.local.simulator import DEFAULT_TOKEN

from .ground import fill, gateway, tables, unseen
from .measure import Row, compare

MESSAGES, ROUNDS, BATCH = 5_000, 5, 100
LATENCIES = {0.0: 20, 0.05: 20, 0.5: 100}
"""Seconds that the gateway takes, and threads that wait for it: twenty would show nothing but half a second."""

LEAST = 0.8
BARE = 1000
"""Added to the id of a mailing for that of the bare loop's."""


def run() -> list[Row]:
    rows = []
    with gateway() as url, tables(url) as services, unseen():
        fill(MESSAGES)
        for number, (latency, threads) in enumerate(LATENCIES.items(), start=1):
            requests.put(f"{url}/control", json={"latency": latency}, timeout=5).raise_for_status()
            rows += _measure(Services(replace(services.settings, sender_threads=threads)), number, latency, threads)
    return rows


def _measure(services: Services, number: int, latency: float, threads: int) -> list[Row]:
    _announce(services, number)
    sender, session = Sender(services), _session(threads)
    size = MESSAGES // ROUNDS
    ours, theirs, our_cpu, their_cpu = [], [], [], []
    for index in range(ROUNDS):
        ids = range(index * size + 1, (index + 1) * size + 1)
        rate, cpu = _timed(size, lambda ids=ids: _send(sender, number, ids))
        ours.append(rate)
        our_cpu.append(cpu)
        rate, cpu = _timed(size, lambda ids=ids: _bare(session, services, number + BARE, ids, threads))
        theirs.append(rate)
        their_cpu.append(cpu)
    what = f"sending {MESSAGES:,}, gateway at {latency * 1000:.0f} ms"
    return [
        compare(f"{what}: messages", "a second", ours, theirs, least=LEAST),
        compare(f"{what}: processor time", "ms each", our_cpu, their_cpu),
    ]


def _timed(size: int, work: Callable[[], None]) -> tuple[float, float]:
    """Messages a second, and milliseconds of our processor for each."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return size / (time.perf_counter() - began), 1000 * (time.process_time() - cpu) / size


def _announce(services: Services, number: int) -> None:
    """A mailing under way, and the rows of its messages and of the bare loop's."""
    now = services.clock.now()
    counts = Counts(total=2 * MESSAGES)  # it is not to end
    plan = Plan("block", MESSAGES, 1, 1)
    end = now + timedelta(hours=1)
    services.mailings.add(Mailing(number, now, end, "bench", status=RUNNING, plan=plan, counts=counts))
    for mailing_id in (number, number + BARE):
        messages = [Message(mailing_id, client_id, QUEUED, now) for client_id in range(1, MESSAGES + 1)]
        with ThreadPoolExecutor(8) as threads:
            parts = [messages[start : start + 250] for start in range(0, MESSAGES, 250)]
            list(threads.map(lambda part: services.messages.add(part, end), parts))


def _send(sender: Sender, mailing_id: int, ids: range) -> None:
    bodies = [to_body(SendMessage(mailing_id, client_id)) for client_id in ids]
    records = [ReceivedMessage(str(place), "none", body, 1) for place, body in enumerate(bodies)]
    for start in range(0, len(records), BATCH):
        assert not sender.send_batch(records[start : start + BATCH], lambda: 60.0), "a message came back"


def _session(threads: int) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=threads))
    session.headers["Authorization"] = f"Bearer {DEFAULT_TOKEN}"
    return session


def _bare(session: requests.Session, services: Services, mailing_id: int, ids: range, threads: int) -> None:
    dynamodb = boto3.client("dynamodb", config=Config(max_pool_connections=threads))
    table, url = f"{STACK_NAME}-messages", services.settings.gateway_url

    def send(client_id: int) -> None:
        key: Any = {"part": {"S": f"{mailing_id}#0"}, "client_id": {"N": str(client_id)}}
        dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET claimed_until = :until ADD attempts :one",
            ConditionExpression="#status = :queued",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":until": {"N": "1"}, ":one": {"N": "1"}, ":queued": {"S": "queued"}},
            ReturnValues="ALL_NEW",
        )
        number = message_id(mailing_id, client_id)
        body = {"id": number, "phone": 79770000000 + client_id, "text": "bench"}
        session.post(f"{url}/v1/send/{number}", json=body, timeout=10).raise_for_status()
        dynamodb.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET #status = :sent, sent_at = :now REMOVE claimed_until",
            ConditionExpression="#status = :queued",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={
                ":sent": {"S": "sent"},
                ":now": {"S": datetime.now(UTC).isoformat()},
                ":queued": {"S": "queued"},
            },
        )

    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(ids), BATCH):
            list(pool.map(send, ids[start : start + BATCH]))
