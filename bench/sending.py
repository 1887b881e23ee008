"""Send 5,000 messages. The baseline is a loop of claim, post and settle with as many threads.

The two alternate, a thousand messages each, in the batches of a hundred that Lambda passes. The loop decides, counts
and logs nothing, and does not read clients.
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

from .measure import Row, compare
from .stacks import fill, gateway, muted_logs, tables_and_queues

MESSAGES, ROUNDS, BATCH = 5_000, 5, 100
LATENCIES = {0.0: 20, 0.05: 20, 0.5: 100}
"""Latency of the gateway in seconds, and threads. With 20 threads a latency of 0.5 s would hide all other time."""

LEAST = 0.8
BARE = 1000
"""Added to the id of a mailing for the id of the loop's mailing."""


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
    sender, session = Sender(services), _session(threads)
    size = MESSAGES // ROUNDS
    measured, baseline, measured_cpu, baseline_cpu = [], [], [], []
    for index in range(ROUNDS):
        ids = range(index * size + 1, (index + 1) * size + 1)
        rate, cpu = _timed(size, lambda ids=ids: _send(sender, number, ids))
        measured.append(rate)
        measured_cpu.append(cpu)
        rate, cpu = _timed(size, lambda ids=ids: _bare(session, services, number + BARE, ids, threads))
        baseline.append(rate)
        baseline_cpu.append(cpu)
    what = f"sending {MESSAGES:,}, gateway at {latency * 1000:.0f} ms"
    return [
        compare(f"{what}: messages", "a second", measured, baseline, least=LEAST),
        compare(f"{what}: processor time", "ms each", measured_cpu, baseline_cpu),
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
    for mailing_id in (number, number + BARE):
        messages = [Message(mailing_id, client_id, QUEUED, now) for client_id in range(1, MESSAGES + 1)]
        with ThreadPoolExecutor(8) as threads:
            parts = [messages[start : start + 250] for start in range(0, MESSAGES, 250)]
            list(threads.map(lambda part: services.messages.add(part, end), parts))


def _send(sender: Sender, mailing_id: int, ids: range) -> None:
    bodies = [to_body(SendMessage(mailing_id, client_id)) for client_id in ids]
    records = [ReceivedMessage(str(index), "none", body, 1) for index, body in enumerate(bodies)]
    for start in range(0, len(records), BATCH):
        assert not sender.send_batch(records[start : start + BATCH], lambda: 60.0), "a message was returned"


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
