"""The cost of a million messages at AWS: the counted usage, times the prices in chalicelib/domain/cost.py.

python -m bench.cost        exits with 1 if a million messages at a fast gateway cost more than promised

First it measures the processor time of a message and prints it beside the assumption of the model (lambda_time.py).
MiniStack and the simulator run in other processes, so that this process measures only the service.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from datetime import timedelta

from bench.lambda_logs import logged
from bench.lambda_time import BATCH, CPU_TO_CREATE, CPU_TO_POST, batch_seconds
from bench.priced_mailing import LATENCIES, Priced, count
from chalicelib.adapters.services import Services
from chalicelib.delivery.sender import Sender
from chalicelib.domain.cost import MAX_DOLLARS_PER_MILLION, PRICES, Units
from chalicelib.mailings.lifecycle import announce_mailing
from infra.local.doubles.aws import add_clients
from infra.local.doubles.deliveries import ENOUGH_SECONDS, as_records, do_jobs, record_queues

from .stacks import gateway, tables_and_queues

WARM_UP, CLIENTS = 100, 1000
MILLION = 1_000_000
MAILING = 10 * MILLION
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "POWERTOOLS_SERVICE_NAME": "notifications",
}


def main() -> int:
    os.environ.update(ENVIRONMENT)
    with gateway() as url, tables_and_queues(url) as services, logged():
        created, posted = measured_cpu(services)
    print("processor time of a message, ms (in brackets: the assumption of the model):")
    print(f"  to create {created * 1000:.2f} ({CPU_TO_CREATE * 1000:.2f}), to post {posted * 1000:.2f}", end=" ")
    print(f"({CPU_TO_POST * 1000:.2f})", flush=True)
    priced = count()
    return print_table(priced)


def print_table(priced: Priced) -> int:
    messages = [priced.created + priced.posted[latency] for latency in LATENCIES]
    for latency in LATENCIES:
        print(f"a batch of {BATCH} at a gateway of {latency * 1000:.0f} ms: {batch_seconds(latency):.2f} s of a sender")
    heads = "".join(f"{f'{latency * 1000:.0f} ms':>16}{'$ a million':>14}" for latency in LATENCIES)
    print(f"\n{'for a message':<17}{heads}")
    for name in PRICES:
        numbers = "".join(
            f"{getattr(units, name):16.5f}{units.dollars_by_name[name] * MILLION:14.4f}" for units in messages
        )
        print(f"{name.replace('_', ' '):<17}{numbers}")
    print(f"{'together':<17}" + "".join(f"{'':16}{units.dollars * MILLION:14.4f}" for units in messages))
    print(f"\na mailing of {MAILING:,}: " + ", ".join(f"${_mailing(priced, units).dollars:.2f}" for units in messages))
    print(f"of this, the fixed cost of a mailing: ${priced.mailing.dollars:.6f}")
    print("\nas chalicelib/domain/cost.py records it:")
    for name, units in _parts(priced).items():
        print(f"{name} = {units}")
    dollars = messages[0].dollars * MILLION
    print(f"\n${dollars:.2f} a million at a fast gateway; at most ${MAX_DOLLARS_PER_MILLION:.2f} is allowed")
    return int(dollars > MAX_DOLLARS_PER_MILLION)


def _mailing(priced: Priced, message: Units) -> Units:
    return priced.mailing + message * MAILING


def _parts(priced: Priced) -> dict[str, Units]:
    fast, slow = (priced.posted[latency] for latency in LATENCIES)
    return {
        "PER_MAILING": priced.mailing,
        "CREATED": priced.created,
        "POSTED": fast,
        "POSTED_SLOWLY": slow,
        "CLOSED": priced.closed,
        "ASKED": priced.asked,
        "REPORTED": priced.reported,
    }


def measured_cpu(services: Services) -> tuple[float, float]:
    """Seconds of one core for a message: to create and reconcile it, and to post it (the median of batches)."""
    _ = services.clients, services.counters
    _cpu_of_mailing(services, WARM_UP)
    created, batches = _cpu_of_mailing(services, CLIENTS)
    return created / CLIENTS, statistics.median(batches) / BATCH


def _cpu_of_mailing(services: Services, clients: int) -> tuple[float, list[float]]:
    add_clients(clients)
    jobs, messages = record_queues(services)
    now = services.clock.now()
    ends_at = now + timedelta(hours=1)
    announce_mailing(services, {"datetime_start": now, "datetime_end": ends_at, "message_text": "text"})
    begun = time.process_time()
    do_jobs(services, jobs)
    created = time.process_time() - begun
    sender, batches = Sender(services), []
    while bodies := messages.take_bodies(BATCH):
        begun = time.process_time()
        assert sender.send_batch(as_records(bodies), lambda: ENOUGH_SECONDS) == []
        batches.append(time.process_time() - begun)
    begun = time.process_time()
    do_jobs(services, jobs)
    return created + time.process_time() - begun, batches


if __name__ == "__main__":
    sys.exit(main())
