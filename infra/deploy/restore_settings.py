"""Give tables that were restored from a backup the settings of the template again.

A restore makes a new table: with its rows, key and indexes, but without time to live, point-in-time recovery, deletion
protection and tags. CloudFormation does not notice, because the name is the same.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CreateBackup.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .schema import schema_of, schema_tag
from .template import literal_name, tables_of

TTL = "TimeToLiveSpecification"
PITR = "PointInTimeRecoverySpecification"
ON = ("ENABLED", "ENABLING")


def restore_settings(dynamodb: Any, template: Mapping[str, Any], stack_name: str, protected: bool) -> list[str]:
    """Set what is missing, and return a line for each table that lacked something. A repeated call changes nothing.

    `dynamodb` is a client, `template` infra/stack.json. `protected`: whether the tables of this stage refuse deletion.
    """
    lines = []
    for _, table in tables_of(template):
        name = literal_name(table, stack_name)
        try:
            found = list(_restore(dynamodb, name, table["Properties"], protected))
        except dynamodb.exceptions.ResourceNotFoundException:
            found = ["MISSING: restore it first"]
        if found:
            lines.append(f"{name}: {', '.join(found)}")
    return lines


def _restore(dynamodb: Any, name: str, wanted: Mapping[str, Any], protected: bool) -> Iterator[str]:
    """Each setting is looked up first: DynamoDB refuses to turn on what is on already."""
    table = dynamodb.describe_table(TableName=name)["Table"]
    live = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"].get("TimeToLiveStatus")
    if TTL in wanted and live not in ON:
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted[TTL])
        yield "time to live set"
    if PITR in wanted and not _is_recoverable(dynamodb, name):
        dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=wanted[PITR])
        yield "point-in-time recovery set"
    if schema_of(dynamodb, table["TableArn"]) is None:
        dynamodb.tag_resource(ResourceArn=table["TableArn"], Tags=[schema_tag()])
        yield "schema tag set"
    if protected and not table.get("DeletionProtectionEnabled", False):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
        yield "deletion protection set"


def _is_recoverable(dynamodb: Any, name: str) -> bool:
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    status = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    return bool(status == "ENABLED")
