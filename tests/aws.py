"""The stack's tables and queues in moto, made from infra/stack.json itself, so that the two cannot part."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3

from chalicelib.adapters import aws
from chalicelib.adapters.outside import Outside
from chalicelib.settings import Settings

STACK_NAME = "test"
TEMPLATE = Path(__file__).parents[1] / "infra" / "stack.json"


def make_outside(**settings: Any) -> Outside:
    """A bundle of the real adapters over freshly made tables and queues; call it inside moto's mock."""
    aws.client.cache_clear()
    for resource in json.loads(TEMPLATE.read_text())["Resources"].values():
        if resource.get("Type") == "AWS::DynamoDB::Table":
            _make_table(resource["Properties"])
    sqs = boto3.client("sqs")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("send", "segments", "dead")}
    boto3.client("scheduler").create_schedule_group(Name=STACK_NAME)
    role = "arn:aws:iam::123456789012:role/scheduler"
    return Outside(
        Settings(
            stage="local",
            stack_name=STACK_NAME,
            send_queue_url=urls["send"],
            segments_queue_url=urls["segments"],
            dead_letters_url=urls["dead"],
            start_mailing_arn="arn:aws:lambda:us-east-1:123456789012:function:start",
            scheduler_role_arn=role,
            **settings,
        )
    )


def _make_table(properties: dict[str, Any]) -> None:
    known = {key: value for key, value in properties.items() if key != "TimeToLiveSpecification"}
    known["TableName"] = properties["TableName"]["Fn::Sub"].replace("${AWS::StackName}", STACK_NAME)
    boto3.client("dynamodb").create_table(**known)
