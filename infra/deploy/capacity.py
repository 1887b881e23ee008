"""What the account and the tables allow, read before a deploy: Lambda's concurrency, warm throughput.

Nothing here stops a deploy: what does not fit is said, and a warm throughput is raised to what AWS accepts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

LEFT_FOR_THE_REST = 20
"""Concurrent executions for the API, its authorizer, the sweep and the starts of mailings. API_RATE allows 100 requests
a second, and requests of 100 ms then take ten at once."""

FEWEST = 2
"""The lowest MaximumConcurrency of an event source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"""


@dataclass(frozen=True)
class WarmTable:
    """A table whose warm throughput is a parameter. `floor`: what each on-demand table has; less is refused.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
    """

    table: str
    unit: str
    floor: int


WARM_TABLES = {
    "WarmWrites": WarmTable("messages", "WriteUnitsPerSecond", 4_000),
    "WarmReads": WarmTable("clients", "ReadUnitsPerSecond", 12_000),
}


def concurrency_notes(functions: Any, template: Mapping[str, Any], values: Mapping[str, str], before: int) -> list[str]:
    """What Lambda's concurrency in this account allows. `functions` is a client of Lambda.

    `template`: infra/stack.json. `values`: the parameters of the deploy, without those that have their default.
    `before`: the concurrency that the deployed stack reserves for its senders.
    """
    try:
        limits = functions.get_account_settings()["AccountLimit"]
    except (BotoCoreError, ClientError) as error:
        return [f"the concurrency of the account could not be read: {error}"]
    most = {name: _value(most, template, values) for name, most in event_sources(template).items()}
    reserved = _value({"Ref": "SenderReserved"}, template, values)
    shared = int(limits["UnreservedConcurrentExecutions"]) + before - reserved
    taken = sum(most.values()) - (most["SendMessages"] if reserved else 0)
    parts = ", ".join(f"{name} {number}" for name, number in most.items())
    notes = [
        f"Lambda runs {limits['ConcurrentExecutions']} invocations at once in this account, {shared} of them without a "
        f"reservation. This stack may take at once: {parts}. Left for the API, the sweep and all else: {shared - taken}"
    ]
    if 0 < reserved < most["SendMessages"]:
        notes.append(
            f"WARNING: SENDER_RESERVED={reserved} is less than SENDER_CONCURRENCY={most['SendMessages']}: messages "
            f"that are read for more senders than that come back to the queue unsent, after 90 seconds"
        )
    if shared - taken < LEFT_FOR_THE_REST:
        notes.append(
            f"WARNING: that is under {LEFT_FOR_THE_REST}, so a large mailing can make the API fail. Lower "
            f"SENDER_CONCURRENCY and JOBS_CONCURRENCY, for example to {FEWEST}, or ask AWS for more: Service Quotas, "
            f"AWS Lambda, Concurrent executions"
        )
    return notes


def event_sources(template: Mapping[str, Any]) -> dict[str, Any]:
    """The MaximumConcurrency of each function that a queue wakes: a number, or a reference to a parameter."""
    events = {
        name: event["Properties"]
        for name, resource in template["Resources"].items()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if "Queue" in event["Properties"]
    }
    return {name: event["ScalingConfig"]["MaximumConcurrency"] for name, event in events.items()}


def warm_parameters(tables: Any, stack_name: str, values: Mapping[str, str]) -> dict[str, str]:
    """The warm throughputs that are asked for, raised to what AWS accepts: no less than the table has now.

    A table grows by itself, and its warm throughput cannot be lowered. Nothing is asked for unless a person does.
    `tables` is a client of DynamoDB. `values`: the parameters of the deploy.
    """
    asked = {name: int(values.get(name) or 0) for name in WARM_TABLES}
    return {
        name: str(max(number, WARM_TABLES[name].floor, _current(tables, stack_name, WARM_TABLES[name])))
        for name, number in asked.items()
        if number
    }


def _current(tables: Any, stack_name: str, warm: WarmTable) -> int:
    """0 if there is no such table yet, or an emulator does not know it."""
    try:
        table = tables.describe_table(TableName=f"{stack_name}-{warm.table}")["Table"]
    except tables.exceptions.ResourceNotFoundException:
        return 0
    return int(table.get("WarmThroughput", {}).get(warm.unit, 0))


def _value(value: Any, template: Mapping[str, Any], values: Mapping[str, str]) -> int:
    if isinstance(value, int):
        return value
    name = value["Ref"]
    return int(values.get(name) or template["Parameters"][name]["Default"])
