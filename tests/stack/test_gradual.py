"""Gradual deploys: the packaged template with an alias of the API, and nothing of it in a deploy without the option."""

from __future__ import annotations

import copy
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from infra.deploy.gradual import ALARMS, FUNCTIONS, PARAMETER, ROLE, STEPS, publish_gradually

from .conftest import translated
from .test_deploy_policies import allowed_actions, needed
from .test_linters import lint_once
from .test_template import of_type

CANARY = {PARAMETER: STEPS[0], "GatewayUrl": "https://sms.example.com"}


@pytest.fixture
def code(tmp_path: Path) -> Path:
    file = tmp_path / "deployment.zip"
    file.write_bytes(b"PK")
    return file


@pytest.fixture
def gradual(sam: dict[str, Any], code: Path) -> dict[str, Any]:
    return changed(sam, CANARY, code)


def changed(sam: dict[str, Any], values: dict[str, str], code: Path) -> dict[str, Any]:
    template = copy.deepcopy(sam)
    publish_gradually(template, values, code)
    return template


@pytest.mark.parametrize("values", [{}, {PARAMETER: ""}])
def test_a_deploy_without_the_option_has_the_same_template(
    sam: dict[str, Any], code: Path, values: dict[str, str]
) -> None:
    assert json.dumps(changed(sam, values, code)) == json.dumps(sam)
    assert PARAMETER not in sam["Parameters"]


def test_cfn_lint_finds_nothing(gradual: dict[str, Any], tmp_path: Path, cache: pytest.Cache) -> None:
    file = tmp_path / "sam.json"
    file.write_text(json.dumps(gradual))
    lint_once(file, cache, "gradual")


def test_codedeploy_moves_the_alias_of_each_function_of_the_api_and_back_if_an_alarm_goes_off(
    gradual: dict[str, Any],
) -> None:
    resources = translated(gradual)
    aliases = of_type(resources, "AWS::Lambda::Alias")
    assert set(aliases) == {f"{name}Aliaslive" for name in FUNCTIONS}
    for name in FUNCTIONS:
        update = resources[f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        group = resources[update["DeploymentGroupName"]["Ref"]]["Properties"]
        assert group["DeploymentConfigName"]["Fn::Sub"][1]["ConfigName"] == STEPS[0]
        assert group["AlarmConfiguration"] == {"Enabled": True, "Alarms": [{"Name": {"Ref": one}} for one in ALARMS]}
        events = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
        assert group["AutoRollbackConfiguration"] == {"Enabled": True, "Events": events}
        assert group["ServiceRoleArn"] == {"Fn::GetAtt": [ROLE, "Arn"]}


def test_api_gateway_calls_the_aliases_only_and_may_call_them(gradual: dict[str, Any]) -> None:
    resources = translated(gradual)
    body = json.dumps(resources["RestAPI"]["Properties"]["Body"])
    before = json.dumps(gradual["Resources"]["RestAPI"])
    for name in FUNCTIONS:
        assert f"functions/${{{name}.Arn}}" not in body
        assert f"functions/${{{name}Aliaslive}}/invocations" in body
        permission = resources[f"{name}InvokePermission"]["Properties"]
        assert permission["FunctionName"] == {"Ref": f"{name}Aliaslive"}
        assert permission["Principal"] == "apigateway.amazonaws.com"
    assert body.count("/invocations") == before.count("/invocations") > 30


def test_a_role_with_the_boundary_may_move_these_aliases_and_nothing_else(gradual: dict[str, Any]) -> None:
    resources = translated(gradual)
    roles = of_type(resources, "AWS::IAM::Role")
    assert "CodeDeployServiceRole" not in roles, "SAM's own role has a policy of AWS and no boundary"
    role = roles[ROLE]
    assert role["PermissionsBoundary"]["Fn::If"][0] == "HasBoundary"
    moves, looks = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert looks["Action"] == ["cloudwatch:DescribeAlarms"]
    named = json.dumps(moves["Resource"])
    functions = {name for name in of_type(resources, "AWS::Lambda::Function") if f'"{name}"' in named}
    assert functions == set(FUNCTIONS)


def version_of(template: dict[str, Any]) -> set[str]:
    return set(of_type(translated(template), "AWS::Lambda::Version"))


def test_a_version_is_published_for_each_change_of_the_code_a_setting_or_the_function_and_for_no_other(
    sam: dict[str, Any], code: Path, gradual: dict[str, Any]
) -> None:
    """A version keeps the environment that it was published with."""
    published = version_of(gradual)
    assert version_of(changed(sam, CANARY, code)) == published
    defaults = {name: str(one["Default"]) for name, one in sam["Parameters"].items() if "Default" in one}
    assert version_of(changed(sam, {**defaults, **CANARY}, code)) == published, "CloudFormation lists the defaults too"
    assert version_of(changed(sam, {**CANARY, PARAMETER: STEPS[1]}, code)) == published
    assert not version_of(changed(sam, {**CANARY, "GatewayUrl": "https://other.example.com"}, code)) & published
    larger = copy.deepcopy(sam)
    for name in FUNCTIONS:
        larger["Resources"][name]["Properties"]["MemorySize"] = 1024
    assert not version_of(changed(larger, CANARY, code)) & published
    code.write_bytes(b"PK2")
    assert not version_of(changed(sam, CANARY, code)) & published


def test_the_published_policies_allow_what_cloudformation_does_for_it(
    sam: dict[str, Any], gradual: dict[str, Any]
) -> None:
    rights = allowed_actions()
    kinds = {one["Type"] for one in translated(gradual).values()} - {one["Type"] for one in translated(sam).values()}
    assert kinds == {
        "AWS::Lambda::Version",
        "AWS::Lambda::Alias",
        "AWS::CodeDeploy::Application",
        "AWS::CodeDeploy::DeploymentGroup",
    }
    missing = {call for kind in kinds for call in needed(kind) if not any(fnmatchcase(call, right) for right in rights)}
    assert missing == set()
