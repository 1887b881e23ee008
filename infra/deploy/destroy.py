"""Take a stack down. Its tables and secrets stay unless told otherwise, and the next deploy takes them over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from .errors import DeployFailed
from .stack import PATIENCE, deploy_bucket, outputs_of, parameters_of
from .stored_secrets import delete_secrets


def destroy(stack_name: str, with_tables: bool) -> list[str]:
    """Answers with the tables that are left. What is there no more is no error, so that it can be done again."""
    if parameters_of(stack_name) is not None:
        _empty(outputs_of(stack_name).get("ImportsBucket"))
        _delete_stack(stack_name)
    if with_tables:
        _delete_tables(stack_name)
        delete_secrets(stack_name)
    bucket = deploy_bucket(stack_name)
    if _empty(bucket):
        boto3.client("s3").delete_bucket(Bucket=bucket)
    return sorted(_tables(stack_name))


def _delete_stack(stack_name: str) -> None:
    cloudformation = boto3.client("cloudformation")
    cloudformation.delete_stack(StackName=stack_name)
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack_name, WaiterConfig=PATIENCE)
    except WaiterError as error:
        raise DeployFailed(f"the stack {stack_name} could not be deleted: see its events ({error})") from error


def _delete_tables(stack_name: str) -> None:
    dynamodb = boto3.client("dynamodb")
    for table in _tables(stack_name):
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=table)
        dynamodb.delete_table(TableName=table)
        dynamodb.get_waiter("table_not_exists").wait(TableName=table)


def _tables(stack_name: str) -> Iterator[str]:
    """Those of this stack that exist, and not those of a stage whose name only begins alike."""
    dynamodb = boto3.client("dynamodb")
    names = [name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]]
    own = {f"{stack_name}-{table}" for table in TABLES}
    yield from (name for name in names if name in own)


TABLES = (
    "clients",
    "phones",
    "mailings",
    "messages",
    "slices",
    "rates",
    "imports",
    "tokens",
    "users",
    "attempts",
    "labels",
    "idempotency-keys",
    "counters",
    "audit",
    "reports",
)
"""A test compares them with the template."""


def _empty(bucket: str | None) -> bool:
    """Whether there is such a bucket."""
    if bucket is None:
        return False
    s3: Any = boto3.client("s3")
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if keys := [{"Key": one["Key"]} for one in page.get("Contents", [])]:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchBucket", "404"):
            return False
        raise
    return True
