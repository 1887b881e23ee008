"""Tags, a role for CloudFormation, and a template of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.deploy import DeployFailed, gradual
from infra.deploy.stack_settings import (
    StackSettings,
    known_parameters,
    merge_extra,
    read_extra_template,
    read_stack_settings,
)

ROLE = "arn:aws:iam::123456789012:role/notifications-cloudformation"
TEMPLATE: dict[str, Any] = {
    "Parameters": {"GatewayUrl": {"Type": "String"}},
    "Resources": {"Sweep": {"Type": "AWS::Serverless::Function", "Properties": {"Timeout": 60, "MemorySize": 512}}},
}


def test_a_role_and_tags_are_given_to_cloudformation() -> None:
    settings = read_stack_settings({"CLOUDFORMATION_ROLE": ROLE, "STACK_TAGS": "team=sms, cost-center=12,note=a=b"})
    tags = [{"Key": "team", "Value": "sms"}, {"Key": "cost-center", "Value": "12"}, {"Key": "note", "Value": "a=b"}]
    assert settings.arguments() == {"RoleARN": ROLE, "Tags": tags}


def test_without_them_nothing_is_given_so_cloudformation_keeps_those_of_the_last_deploy() -> None:
    assert read_stack_settings({}).arguments() == StackSettings().arguments() == {}


@pytest.mark.parametrize("tags", ["team", "=sms", "team=sms,x"])
def test_tags_in_another_form_are_refused(tags: str) -> None:
    with pytest.raises(DeployFailed, match="STACK_TAGS"):
        read_stack_settings({"STACK_TAGS": tags})


def test_an_extra_template_adds_resources_and_changes_ours() -> None:
    queue = {"Type": "AWS::SQS::Queue"}
    extra = {"Resources": {"Mine": queue, "Sweep": {"Properties": {"Timeout": 90}}}}
    merged = merge_extra(TEMPLATE, extra)["Resources"]
    assert merged["Mine"] == queue
    assert merged["Sweep"]["Properties"] == {"Timeout": 90, "MemorySize": 512}
    assert TEMPLATE["Resources"]["Sweep"]["Properties"]["Timeout"] == 60


def test_a_role_of_an_extra_template_gets_the_permissions_boundary() -> None:
    merged = merge_extra(TEMPLATE, {"Resources": {"MyRole": {"Type": "AWS::IAM::Role", "Properties": {}}}})
    assert "Fn::If" in merged["Resources"]["MyRole"]["Properties"]["PermissionsBoundary"]


def test_without_an_extra_template_nothing_changes() -> None:
    assert merge_extra(TEMPLATE, read_extra_template("", Path("/nowhere"))) == TEMPLATE


@pytest.mark.parametrize("content", [None, "no json"])
def test_a_deploy_without_the_extra_template_of_the_last_one_is_refused(tmp_path: Path, content: str | None) -> None:
    """It would delete the resources that the template added."""
    if content is not None:
        (tmp_path / "mine.json").write_text(content)
    with pytest.raises(DeployFailed, match=r"EXTRA_TEMPLATE=mine\.json.*none"):
        read_extra_template("mine.json", tmp_path)


def test_the_parameters_of_an_extra_template_are_read_like_ours(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"Parameters": {"MyLimit": {"Type": "Number", "Default": 1}}}))
    ours = {"GatewayUrl", *gradual.PARAMETERS}
    assert set(known_parameters(TEMPLATE, {"EXTRA_TEMPLATE": str(file)}, None)) == {*ours, "MyLimit"}
    assert set(known_parameters(TEMPLATE, {}, {"ExtraTemplate": str(file)})) == {*ours, "MyLimit"}
    assert set(known_parameters(TEMPLATE, {"EXTRA_TEMPLATE": "none"}, {"ExtraTemplate": str(file)})) == ours
