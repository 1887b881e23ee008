"""The tables and queues of the stack in an emulator. The tables are created from infra/stack.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib.adapters import aws
from chalicelib.adapters.services import Services
from chalicelib.adapters.tables.client_row import ClientRow
from chalicelib.adapters.tables.counters import CounterRow
from chalicelib.domain.client import Client
from chalicelib.settings import Settings
from infra.local.in_process import forget_connections

__all__ = ["forget_connections"]

STACK_NAME = "test"
QUEUES = ("send", "jobs", "imports", "receipts", "dead")
IMPORTS_BUCKET = "test-imports"
SET_AFTERWARDS = {"TimeToLiveSpecification", "PointInTimeRecoverySpecification", "DeletionProtectionEnabled"}
SET_AFTERWARDS |= {"WarmThroughput"}
TEMPLATE = Path(__file__).parents[2] / "stack.json"


def make_services(**settings: Any) -> Services:
    """Create tables and queues, and return the adapters over them. AWS must be an emulator."""
    make_tables()
    make_bucket()
    make_phone_key()
    aws.client("scheduler").create_schedule_group(Name=STACK_NAME)
    return make_services_over_tables(make_queues(), **settings)


def make_tables() -> None:
    for resource in json.loads(TEMPLATE.read_text())["Resources"].values():
        if resource.get("Type") == "AWS::DynamoDB::Table":
            _make_table(resource["Properties"])


def make_bucket() -> None:
    aws.client("s3").create_bucket(Bucket=IMPORTS_BUCKET)


def make_phone_key() -> None:
    name = Settings(stack_name=STACK_NAME).phone_key_parameter
    aws.client("ssm").put_parameter(Name=name, Value="a key", Type="SecureString", Overwrite=True)


def make_queues() -> dict[str, str]:
    """Returns their URLs."""
    sqs = aws.client("sqs")
    return {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}


def make_services_over_tables(queue_urls: Mapping[str, str] | None = None, **settings: Any) -> Services:
    """The adapters over tables that exist. `queue_urls`: by the names of QUEUES; without them there are no queues."""
    urls = queue_urls or dict.fromkeys(QUEUES, "")
    role = "arn:aws:iam::123456789012:role/scheduler"
    return Services(
        Settings(
            stage="local",
            stack_name=STACK_NAME,
            send_queue_url=urls["send"],
            jobs_queue_url=urls["jobs"],
            imports_queue_url=urls["imports"],
            receipts_queue_url=urls["receipts"],
            imports_bucket=IMPORTS_BUCKET,
            dead_letters_url=urls["dead"],
            start_mailing_arn="arn:aws:lambda:us-east-1:123456789012:function:start",
            scheduler_role_arn=role,
            **settings,
        )
    )


def add_clients(number: int) -> None:
    """Write clients 1 to `number`, with thirty operator codes, in batches."""
    with ClientRow.batch_write() as batch:
        for client_id in range(1, number + 1):
            batch.save(ClientRow.of(Client(client_id, f"79{client_id % 30:02d}{client_id:07d}")))
    CounterRow("client_id").update(actions=[CounterRow.value.set(number)])


def _make_table(properties: dict[str, Any]) -> None:
    known = {key: value for key, value in properties.items() if key not in SET_AFTERWARDS}
    known["TableName"] = properties["TableName"]["Fn::Sub"].replace("${AWS::StackName}", STACK_NAME)
    aws.client("dynamodb").create_table(**known)
