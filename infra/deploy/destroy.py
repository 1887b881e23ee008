"""Delete a stack. Its tables and secrets stay unless they are to be deleted; the next deploy uses them again."""

from __future__ import annotations

from dataclasses import replace

import boto3

from . import imports
from .code_bucket import code_bucket, delete_bucket, empty
from .errors import DeployFailed
from .stack import outputs_of, protect_stack
from .states import DELETED, explain, find_stack, require_deletable, settle
from .stored_secrets import delete_secrets
from .template import table_names


def destroy(stack_name: str, with_tables: bool) -> list[str]:
    """Returns the tables that remain. What is already deleted is no error, so the call can be repeated.

    Raises DeployFailed if CloudFormation works on the stack, or could not delete all of it.
    """
    cloudformation = boto3.client("cloudformation")
    if (stack := find_stack(cloudformation, stack_name)) is not None:
        require_deletable(cloudformation, stack)
        _empty_imports(stack_name)
        _delete_stack(stack_name, stack["StackId"])
    if with_tables:
        _delete_tables(stack_name)
        delete_secrets(stack_name)
        delete_bucket(code_bucket(stack_name))
    else:
        empty(code_bucket(stack_name))  # its name stays ours, and S3 refuses a name for a while after a deletion
    return existing_tables(stack_name)


def _empty_imports(stack_name: str) -> None:
    """CloudFormation deletes only an empty bucket."""
    if bucket := outputs_of(stack_name).get("ImportsBucket"):
        empty(replace(code_bucket(stack_name), name=bucket))


def _delete_stack(stack_name: str, stack_id: str) -> None:
    cloudformation = boto3.client("cloudformation")
    protect_stack(stack_name, False)
    cloudformation.delete_stack(StackName=stack_name)
    stack = settle(cloudformation, stack_id)
    if stack["StackStatus"] != DELETED:
        raise DeployFailed(explain(cloudformation, stack))


def _delete_tables(stack_name: str) -> None:
    dynamodb = boto3.client("dynamodb")
    for table in existing_tables(stack_name):
        if dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] != imports.DELETING:
            dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
            dynamodb.get_waiter("table_exists").wait(TableName=table)
            dynamodb.delete_table(TableName=table)
        dynamodb.get_waiter("table_not_exists").wait(TableName=table)


def existing_tables(stack_name: str) -> list[str]:
    """The tables of exactly this stack, not those of a stage with a longer name, such as prod and prod-2."""
    return imports.existing_tables(boto3.client("dynamodb"), table_names(stack_name))
