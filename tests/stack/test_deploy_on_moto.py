"""The deploy against moto's server, an independent emulator. moto supports neither the SAM transformation nor the
deployment of an API that is described by its body, so it gets the translated template without that deployment.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from infra.deploy import DeployFailed, put_secrets
from infra.deploy.checks import check_account
from infra.deploy.code_bucket import code_bucket, upload
from infra.deploy.destroy import destroy
from infra.deploy.stack import Deployment, change_stack, parameters_of
from infra.deploy.template import name_tables, table_names
from infra.local.deployment import STACK_NAME
from infra.local.doubles.aws import forget_connections
from infra.local.localstack import require_no_leftovers

STACK = "notifications-moto"
FUNCTION = "AWS::Serverless::Function"
UNKNOWN_TO_MOTO = ("AWS::ApiGateway::Deployment", "AWS::ApiGateway::Stage", "AWS::Lambda::Permission")


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://localhost:{server.get_host_and_port()[1]}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    forget_connections()
    yield
    forget_connections()
    server.stop()


@pytest.fixture
def packaged(sam: dict[str, Any], moto: None, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """A zip in the bucket, and the translated template that names it."""
    from samtranslator.parser.parser import Parser  # here: the import takes half a second of every process of the tests
    from samtranslator.translator.translator import Translator

    (tmp_path / "deployment.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    template = copy.deepcopy(sam)
    name_tables(template, STACK)
    bucket = code_bucket(STACK)
    upload(tmp_path, template, bucket)
    (code,) = {one["Properties"]["CodeUri"] for one in template["Resources"].values() if one["Type"] == FUNCTION}
    assert code.startswith(f"s3://{bucket.name}/")
    translated = Translator({}, Parser()).translate(template, {"Stage": "moto", "GatewayUrl": "http://gateway"})
    resources = translated["Resources"]
    for name in [name for name, one in resources.items() if one["Type"] in UNKNOWN_TO_MOTO or is_left_out(one)]:
        del resources[name]
    del translated["Outputs"]["EndpointURL"]
    return tmp_path, translated


def is_left_out(resource: dict[str, Any]) -> bool:
    """What these deploys do not turn on: the copy of the audit, and questions about deliveries. An update by moto
    makes what a condition leaves out as well, if a parameter of it has changed, and does not find what it updates.
    """
    return resource.get("Condition") in ("HasAuditCopy", "AsksReceipts")


def traced_roles() -> int:
    """The number of roles that may send traces."""
    iam = boto3.client("iam")
    roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    policies = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for role in roles
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    return sum("xray:PutTraceSegments" in json.dumps(policy) for policy in policies)


@pytest.mark.filterwarnings("ignore::UserWarning")  # moto names unsupported resources by them
def test_a_stack_is_created_updated_and_deleted(packaged: tuple[Path, dict[str, Any]]) -> None:
    out, template = packaged
    assert check_account().number == "123456789012"
    put_secrets(STACK, {f"/{STACK}/gateway-token": "secret of the gateway"}, receipts=False)
    assert parameters_of(STACK) is None
    url = upload(out, template, code_bucket(STACK))
    given = {"Stage": "moto", "GatewayUrl": "http://gateway", "Tracing": "Active", "DeletionProtection": "false"}
    change_stack(Deployment(STACK, template, url, given))
    assert traced_roles() == 13
    assert set(boto3.client("dynamodb").list_tables()["TableNames"]) == table_names(STACK)
    assert len(boto3.client("lambda").list_functions()["Functions"]) == 13
    change_stack(Deployment(STACK, template, url, {"GatewayDedupes": "false"}))
    kept = parameters_of(STACK) or {}
    assert (kept["GatewayUrl"], kept["GatewayDedupes"]) == ("http://gateway", "false")
    assert "secret of the gateway" not in json.dumps(
        boto3.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    )
    assert destroy(STACK, with_tables=True) == []
    assert parameters_of(STACK) is None


def test_tables_of_a_deleted_stack_are_named_before_a_deploy_to_localstack_and_can_be_removed(moto: None) -> None:
    """AWS imports them. LocalStack 4.14.0 fails in the middle of the deploy: `Table already exists`."""
    require_no_leftovers()
    table = min(table_names(STACK_NAME))
    keys = {"AttributeName": "id", "AttributeType": "N"}, {"AttributeName": "id", "KeyType": "HASH"}
    boto3.client("dynamodb").create_table(
        TableName=table, AttributeDefinitions=[keys[0]], KeySchema=[keys[1]], BillingMode="PAY_PER_REQUEST"
    )
    with pytest.raises(DeployFailed, match=f"{table}.*make localstack-destroy"):
        require_no_leftovers()
    destroy(STACK_NAME, with_tables=True)
    require_no_leftovers()
