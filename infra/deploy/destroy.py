"""Delete a stack. Its tables and secrets stay unless they are to be deleted; the next deploy uses them again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from .errors import DeployFailed
from .package import ROOT
from .stack import WAITER, deploy_bucket, outputs_of, parameters_of
from .stored_secrets import delete_secrets


def destroy(stack_name: str, with_tables: bool) -> list[str]:
    """Returns the tables that remain. What is already deleted is no error, so the call can be repeated."""
    if parameters_of(stack_name) is not None:
        _empty(outputs_of(stack_name).get("ImportsBucket"))
        _delete_stack(stack_name)
    if with_tables:
        _delete_tables(stack_name)
        delete_secrets(stack_name)
    bucket = deploy_bucket(stack_name)
    if _empty(bucket):
        boto3.client("s3").delete_bucket(Bucket=bucket)
    return sorted(existing_tables(stack_name))


def _delete_stack(stack_name: str) -> None:
    cloudformation = boto3.client("cloudformation")
    cloudformation.delete_stack(StackName=stack_name)
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack_name, WaiterConfig=WAITER)
    except WaiterError as error:
        raise DeployFailed(f"the stack {stack_name} could not be deleted: see its events ({error})") from error


def _delete_tables(stack_name: str) -> None:
    dynamodb = boto3.client("dynamodb")
    for table in existing_tables(stack_name):
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=table)
        dynamodb.delete_table(TableName=table)
        dynamodb.get_waiter("table_not_exists").wait(TableName=table)


def existing_tables(stack_name: str) -> Iterator[str]:
    """The tables of exactly this stack, not those of a stage with a longer name, such as prod and prod-2."""
    pages = boto3.client("dynamodb").get_paginator("list_tables").paginate()
    names = [name for page in pages for name in page["TableNames"]]
    yield from sorted(set(names) & table_names(stack_name))


def table_names(stack_name: str) -> set[str]:
    """The names that infra/stack.json gives to the tables of this stack."""
    template = json.loads((ROOT / "infra" / "stack.json").read_text(encoding="utf-8"))
    resources = (resource for resource in template["Resources"].values() if isinstance(resource, dict))
    tables = [resource for resource in resources if resource.get("Type") == "AWS::DynamoDB::Table"]
    return {table["Properties"]["TableName"]["Fn::Sub"].replace("${AWS::StackName}", stack_name) for table in tables}


def _empty(bucket: str | None) -> bool:
    """Delete all objects; returns False if there is no such bucket."""
    if bucket is None:
        return False
    s3: Any = boto3.client("s3")
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchBucket", "404"):
            return False
        raise
    return True
