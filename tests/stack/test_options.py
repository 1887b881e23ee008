"""The options of an account: a stack without them has nothing of them, and each reaches all that it is about."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from chalicelib.access.audit_copy import SETTLED
from chalicelib.adapters.tables.counters import AUDIT_COPY
from chalicelib.gateways.receipts.registry import ASKED
from infra.deploy import ROOT
from infra.deploy.options import (
    HAS_INTERFACES,
    KEY,
    NOTHING,
    READS_BY_FORMER_KEY,
    READS_SECRETS_OF_GATEWAYS,
    SENDS_THROUGH_AWS,
    USES_KEY,
    VIA,
    add_options,
)

OPTIONS = {"HasNetwork", "HasBoundary", "HasKey", "HasDomain", "HasFirewall", "AreCallersLimited", "AreAccessesLogged"}
OPTIONS |= {
    "HasAuditCopy",
    "HasSeveralGateways",
    "SendsThroughAws",
    "AwsReports",
    "AwsInbound",
    "AsksReceipts",
    "AsksReceiptsInAws",
    "AsksInNetwork",
    "HasFormerKey",
}
OPTIONS |= {"AsksSeveralGateways"}
KEY_PROPERTY = {
    "AWS::DynamoDB::Table": "SSESpecification",
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::S3::Bucket": "BucketEncryption",
    "AWS::SNS::Topic": "KmsMasterKeyId",
    "AWS::Logs::LogGroup": "KmsKeyId",
}
GONE: Any = object()


def resolved(value: Any, given: set[str]) -> Any:
    """The value with the conditions of options decided: those in `given` hold, the others do not."""
    if isinstance(value, dict):
        if "Fn::If" in value and value["Fn::If"][0] in OPTIONS:
            condition, then, otherwise = value["Fn::If"]
            return resolved(then if condition in given else otherwise, given)
        if value == NOTHING:
            return GONE
        found = {name: resolved(one, given) for name, one in value.items()}
        return {name: one for name, one in found.items() if one is not GONE}
    if isinstance(value, list):
        return [one for one in (resolved(one, given) for one in value) if one is not GONE]
    return value


def stack_with(sam: dict[str, Any], *given: str) -> dict[str, Any]:
    """The resources of a stack with these options."""
    there = {
        name: resource
        for name, resource in sam["Resources"].items()
        if resource.get("Condition") not in OPTIONS - set(given)
    }
    found: dict[str, Any] = resolved(there, set(given))
    return found


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == kind}


def statements(resources: dict[str, Any], function: dict[str, Any]) -> list[dict[str, Any]]:
    role = resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]
    found: list[dict[str, Any]] = role["Policies"][0]["PolicyDocument"]["Statement"]
    return found


def test_a_stack_without_options_has_nothing_of_them(sam: dict[str, Any]) -> None:
    text = json.dumps(stack_with(sam))
    words = (
        "Kms",
        "KMS",
        "kms:",
        "ec2:",
        "VpcConfig",
        "Boundary",
        "WAF",
        "AccessLog",
        "DomainName",
        "apigateway-policy",
        "AuditBucket",
        "CopyAudit",
        "sms-voice",
        "AsksQueue",
    )
    assert [word for word in words if word in text] == []


def test_adding_the_options_changes_nothing_for_a_stack_without_them(sam: dict[str, Any]) -> None:
    """Compared with the template of Chalice and infra/stack.json: what completing it adds resolves to nothing."""
    once = stack_with(sam)
    twice = copy.deepcopy({"Resources": once})
    add_options(twice)
    assert stack_with(twice) == once


def test_every_role_has_the_permissions_boundary(sam: dict[str, Any]) -> None:
    roles = of_type(stack_with(sam, "HasBoundary"), "AWS::IAM::Role")
    assert len(roles) > 13
    assert all(role["PermissionsBoundary"] == {"Ref": "PermissionsBoundary"} for role in roles.values())


@pytest.mark.parametrize(("kind", "key"), KEY_PROPERTY.items())
def test_every_resource_that_stores_data_is_encrypted_with_the_key(sam: dict[str, Any], kind: str, key: str) -> None:
    found = of_type(stack_with(sam, "HasKey", "AreAccessesLogged"), kind)
    assert found
    for name, properties in found.items():
        assert json.dumps(KEY) in json.dumps(properties[key]), name
        assert not properties.get("SqsManagedSseEnabled"), "SQS refuses both"


def test_every_function_may_use_the_key_through_the_services_that_it_calls_only(sam: dict[str, Any]) -> None:
    resources = stack_with(sam, "HasKey")
    for function in of_type(resources, "AWS::Serverless::Function").values():
        assert USES_KEY in statements(resources, function)
    services = [one["Fn::Sub"].split(".")[0] for one in VIA]
    assert services == ["dynamodb", "s3", "sqs", "ssm"]


def test_every_function_may_still_decrypt_with_the_former_key(sam: dict[str, Any]) -> None:
    """A message that was queued before KMS_KEY_ARN changed stops the reading of its queue otherwise."""
    resources = stack_with(sam, "HasFormerKey")
    for function in of_type(resources, "AWS::Serverless::Function").values():
        assert READS_BY_FORMER_KEY in statements(resources, function)


def test_the_functions_that_read_the_gateways_token_are_in_the_network_and_no_other(sam: dict[str, Any]) -> None:
    resources = stack_with(sam, "HasNetwork")
    expected = {"SubnetIds": {"Ref": "GatewaySubnets"}, "SecurityGroupIds": {"Ref": "GatewaySecurityGroups"}}
    for name, function in of_type(resources, "AWS::Serverless::Function").items():
        reads = "/gateway-token" in json.dumps(statements(resources, function))
        assert function.get("VpcConfig") == (expected if reads else None), name
        assert (HAS_INTERFACES in statements(resources, function)) == reads, name


def test_only_the_functions_that_post_may_send_through_aws_if_it_is_the_provider(sam: dict[str, Any]) -> None:
    resources = stack_with(sam, "SendsThroughAws")
    functions = of_type(resources, "AWS::Serverless::Function")
    senders = {name for name, one in functions.items() if SENDS_THROUGH_AWS in statements(resources, one)}
    assert senders == {"APIHandler", "SendMessages"}
    is_aws, is_one = ({"Fn::Equals": [{"Ref": "Gateway"}, "aws"]}, {"Fn::Equals": [{"Ref": "GatewaysUseAws"}, "true"]})
    one_of_several = {"Fn::And": [{"Condition": "HasSeveralGateways"}, is_one]}
    assert sam["Conditions"]["SendsThroughAws"] == {"Fn::Or": [is_aws, one_of_several]}
    assert sam["Parameters"]["GatewaysUseAws"]["Default"] == "true", "an update from an earlier version keeps the right"


def test_only_the_functions_that_post_read_the_secrets_of_several_gateways(sam: dict[str, Any]) -> None:
    resources = stack_with(sam, "HasSeveralGateways")
    functions = of_type(resources, "AWS::Serverless::Function")
    readers = {name for name, one in functions.items() if READS_SECRETS_OF_GATEWAYS in statements(resources, one)}
    assert readers == {"APIHandler", "SendMessages"}


def test_the_worker_of_receipts_calls_the_gateway_only_if_its_provider_is_asked(sam: dict[str, Any]) -> None:
    (asked,) = ASKED
    is_asked, is_one = (
        {"Fn::Equals": [{"Ref": "Gateway"}, asked]},
        {"Fn::Equals": [{"Ref": "GatewaysAskReceipts"}, "true"]},
    )
    one_of_several = {"Fn::And": [{"Condition": "HasSeveralGateways"}, is_one]}
    expected = [{"Condition": "ReceiptsAreExpected"}, {"Fn::Or": [is_asked, one_of_several]}]
    assert sam["Conditions"]["AsksReceipts"] == {"Fn::And": expected}
    asks = [{"Condition": "AsksReceipts"}, {"Condition": "HasNetwork"}]
    assert sam["Conditions"]["AsksInNetwork"] == {"Fn::And": asks}
    for given in (["HasNetwork"], ["HasNetwork", "AsksReceipts", "AsksInNetwork"]):
        resources = stack_with(sam, *given)
        function = resources["SettleReceipts"]["Properties"]
        rights = json.dumps(statements(resources, function))
        is_there = "AsksReceipts" in given
        assert ("VpcConfig" in function) == is_there == ("/gateway-token" in rights) == ("AsksQueue" in rights)
        assert ("AsksForReceipts" in resources) == is_there == ("AsksQueue" in resources)
        assert "sms-voice" not in rights


def test_only_the_allowed_addresses_may_call_the_api(sam: dict[str, Any]) -> None:
    api = stack_with(sam, "AreCallersLimited")["RestAPI"]["Properties"]["DefinitionBody"]
    allow, deny = api["x-amazon-apigateway-policy"]["Statement"]
    assert (allow["Effect"], deny["Effect"]) == ("Allow", "Deny")
    assert deny["Condition"] == {"NotIpAddress": {"aws:SourceIp": {"Fn::Split": [",", {"Ref": "ApiAllowedCidrs"}]}}}


def test_access_logs_have_the_route_and_not_the_path_of_a_request(sam: dict[str, Any]) -> None:
    """A path may have the id of a client, and a query a phone number."""
    resources = stack_with(sam, "AreAccessesLogged")
    setting = resources["RestAPI"]["Properties"]["AccessLogSetting"]
    assert setting["DestinationArn"] == {"Fn::GetAtt": ["ApiAccessLog", "Arn"]}
    values = set(json.loads(setting["Format"]).values())
    assert "$context.resourcePath" in values
    assert not values & {"$context.path", "$context.requestOverride.path"}
    assert resources["ApiAccessLog"]["Properties"]["RetentionInDays"] == 30


def test_the_copy_of_the_audit_goes_to_a_bucket_of_the_expected_account_and_is_only_added_to(
    sam: dict[str, Any],
) -> None:
    resources = stack_with(sam, "HasAuditCopy")
    function = resources["CopyAudit"]["Properties"]
    assert function["Environment"]["Variables"]["AUDIT_BUCKET"] == {"Ref": "AuditBucket"}
    owner = {"Fn::If": ["IsAuditBucketForeign", {"Ref": "AuditBucketOwner"}, {"Ref": "AWS::AccountId"}]}
    assert function["Environment"]["Variables"]["AUDIT_BUCKET_OWNER"] == owner
    given = {action: one for one in statements(resources, function) for action in one.get("Action", [])}
    assert [action for action in given if action.startswith("s3:")] == ["s3:PutObject"]
    row = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [AUDIT_COPY]}}
    assert given["dynamodb:UpdateItem"]["Condition"] == given["dynamodb:GetItem"]["Condition"] == row


def test_a_record_is_copied_when_the_invocation_that_writes_it_is_over(sam: dict[str, Any]) -> None:
    """Otherwise a record could come later, with a number that the copy has passed. Clocks may differ by a minute."""
    resources = stack_with(sam)
    writers = {
        name: function["Timeout"]
        for name, function in of_type(resources, "AWS::Serverless::Function").items()
        for one in statements(resources, function)
        if one.get("Resource") == {"Fn::GetAtt": ["AuditTable", "Arn"]} and "dynamodb:PutItem" in one["Action"]
    }
    assert len(writers) > 5
    assert max(writers.values()) + 60 <= SETTLED.total_seconds()


def test_the_api_has_a_regional_endpoint(sam: dict[str, Any]) -> None:
    assert sam["Resources"]["RestAPI"]["Properties"]["EndpointConfiguration"] == "REGIONAL"


def test_a_template_can_be_deployed_as_its_own_stage_only(sam: dict[str, Any]) -> None:
    """The stage `local` accepts the published token, so the template of another stage cannot become it."""
    assert sam["Parameters"]["Stage"]["AllowedPattern"] == "^local$"
    template = json.loads((ROOT / "infra" / "stack.json").read_text())
    assert template["Parameters"]["Stage"]["AllowedPattern"] == "^[a-z][a-z0-9-]{0,15}$", (
        "as long as stack_name_of allows"
    )


def test_functions_use_the_key_through_services_by_their_names() -> None:
    """A name that no service has would refuse every call with the key, and no emulator compares it."""
    names = [one["Fn::Sub"] for one in USES_KEY["Condition"]["StringEquals"]["kms:ViaService"]]
    suffix = ".${AWS::Region}.${AWS::URLSuffix}"
    assert names == [f"{service}{suffix}" for service in ("dynamodb", "s3", "sqs", "ssm")]
