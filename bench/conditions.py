"""The time in which a worker reads clients and decides about a condition that no index serves.

python -m bench.conditions        prints the processor time for a client, of which bench/lambda_time.py has a constant
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.adapters.tables.client_queries import member_of
from chalicelib.clients.slices import read_members
from chalicelib.domain.audience import NamedMailing, Partition, plan_fan_out
from chalicelib.domain.client import BLOCK_SIZE
from chalicelib.domain.condition_json import from_json
from chalicelib.domain.filter import AudienceMember, Filter
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import MessageKey
from chalicelib.domain.walk import BEGINNING, Cursor, always
from infra.local.doubles.fakes import FakeServices

CLIENTS, PAGE = 200_000, 1000
NAMED = 7
CONDITION = {
    "all": [
        {"any": [{"field": "attributes.city", "is": "Omsk"}, {"field": "attributes.age", "at_least": 18}]},
        {"not": {"field": "operator_code", "in": ["977", "978"]}},
        {"field": "registered_at", "since": "2026-01-01T00:00:00Z"},
        {"not_received": NAMED},
    ]
}


class GeneratedClients:
    """Items as DynamoDB returns them, read by the service's own code. `reads`: the calls."""

    reads = 0

    def read_members(
        self, block: Partition, after: int, through: int, limit: int, fields: Sequence[str]
    ) -> list[AudienceMember]:
        self.reads += 1
        first = max(after + 1, int(block.key) * BLOCK_SIZE)
        end = min(through + 1, (int(block.key) + 1) * BLOCK_SIZE, first + limit)
        return [member_of(_item(number), fields) for number in range(first, end)]


class GeneratedMessages:
    """Every third client has received the mailing. `keys`: how many were asked for."""

    keys = 0

    def received(self, keys: Sequence[MessageKey]) -> set[int]:
        self.keys += len(keys)
        return {key.client_id for key in keys if key.client_id % 3 == 0}


def _item(number: int) -> dict[str, Any]:
    attributes = f'{{"age":"{number % 60}","city":"{("Omsk", "Tomsk")[number % 2]}"}}'
    return {
        "id": {"N": str(number)},
        "phone_number": {"S": f"79{number % 100:02d}{number % 10**7:07d}"},
        "attributes": {"S": attributes},
        "registered_at": {"S": "2026-05-01T10:00:00.000000+0000"},
    }


def walk_all(number: int = CLIENTS) -> tuple[int, GeneratedClients, GeneratedMessages]:
    """Walk every slice of the plan. Returns how many clients were chosen, and what was read."""
    services: Any = FakeServices()
    services.clients, services.messages = GeneratedClients(), GeneratedMessages()
    chosen = Filter(condition=from_json(CONDITION))
    plan = plan_fan_out(chosen, number).naming((NamedMailing(NAMED, 50, number),))
    assert plan.by == "block", "no index serves the condition"
    now = datetime(2026, 11, 27, tzinfo=UTC)
    mailing = replace(Mailing(8, now, now + timedelta(days=1), "text", chosen), plan=plan)
    found = 0
    for number in range(plan.slices):
        cursor: Cursor | None = BEGINNING
        while cursor is not None:
            members, cursor = read_members(services, mailing, number, cursor, PAGE, PAGE // 2, always)
            found += len(members)
    return found, services.clients, services.messages


def main() -> int:
    began = time.process_time()
    found, clients, messages = walk_all()
    walked = time.process_time()
    for number in range(CLIENTS):
        _item(number)
    seconds = 2 * walked - began - time.process_time()
    print(f"{CLIENTS:,} clients: {found:,} chosen, {clients.reads:,} reads, {messages.keys:,} keys of messages")
    print(f"{seconds / CLIENTS * 1e6:.1f} µs of the processor a client, without the generated items")
    return 0


if __name__ == "__main__":
    sys.exit(main())
