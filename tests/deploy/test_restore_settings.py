"""A table that was restored from a backup gets the settings of the template back by one command."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from infra.deploy import ROOT
from infra.deploy.restore_settings import restore_settings
from infra.deploy.template import literal_name, tables_of

STACK = "notifications-prod"
TEMPLATE = json.loads((ROOT / "infra" / "stack.json").read_text())
WANTED = {literal_name(table, STACK): table["Properties"] for _, table in tables_of(TEMPLATE)}
AS_RESTORED = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode")


@pytest.fixture
def dynamodb(aws: None) -> Any:
    """A client of tables as a restore leaves them: with key and indexes, without other settings."""
    client = boto3.client("dynamodb")
    for name, properties in WANTED.items():
        client.create_table(TableName=name, **{key: properties[key] for key in AS_RESTORED if key in properties})
    return client


def settings_of(dynamodb: Any, name: str) -> tuple[bool, bool, bool]:
    """Time to live, point-in-time recovery, deletion protection."""
    live = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    return (
        live["TimeToLiveStatus"] == "ENABLED",
        backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED",
        dynamodb.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"],
    )


def test_a_restored_table_gets_the_settings_of_the_template(dynamodb: Any) -> None:
    restore_settings(dynamodb, TEMPLATE, STACK, protected=True)
    for name, properties in WANTED.items():
        expected = "TimeToLiveSpecification" in properties, "PointInTimeRecoverySpecification" in properties, True
        assert settings_of(dynamodb, name) == expected, name


def test_what_was_set_is_said_and_a_second_call_changes_nothing(dynamodb: Any) -> None:
    lines = restore_settings(dynamodb, TEMPLATE, STACK, protected=True)
    assert f"{STACK}-users: point-in-time recovery set, schema tag set, deletion protection set" in lines
    assert (
        f"{STACK}-messages: time to live set, point-in-time recovery set, schema tag set, deletion protection set"
        in lines
    )
    assert len(lines) == len(WANTED)
    assert restore_settings(dynamodb, TEMPLATE, STACK, protected=True) == []


def test_a_stage_without_deletion_protection_stays_without(dynamodb: Any) -> None:
    restore_settings(dynamodb, TEMPLATE, STACK, protected=False)
    assert settings_of(dynamodb, f"{STACK}-users") == (False, True, False)


def test_a_table_that_is_not_there_is_named_and_the_others_are_set(dynamodb: Any) -> None:
    dynamodb.delete_table(TableName=f"{STACK}-clients")
    lines = restore_settings(dynamodb, TEMPLATE, STACK, protected=True)
    assert f"{STACK}-clients: MISSING: restore it first" in lines
    assert settings_of(dynamodb, f"{STACK}-users")[1]
