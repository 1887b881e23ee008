"""AWS for the deploy: moto in the process, and a double of CloudFormation that answers as AWS does."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.deploy import ROOT
from infra.deploy.code_bucket import code_bucket, upload
from infra.deploy.stack import Deployment
from infra.deploy.template import name_tables
from infra.local.doubles.aws import forget_connections
from infra.local.doubles.cloudformation import CloudFormation, answering

STACK_NAME = "notifications-prod"
FUNCTION = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip"}}
PARAMETERS = {"GatewayUrl": "https://sms.example.com"}


@dataclass
class Cloud:
    """`calls`: all calls of the default session, `service.Operation` with the parameters. `said`: what a person reads.

    `strangers`: names of buckets that belong to another account, which lets everyone write into them.
    """

    cloudformation: CloudFormation
    calls: list[tuple[str, dict[str, Any]]]
    said: list[str]
    folder: Path
    strangers: set[str] = field(default_factory=set)

    def change_code(self) -> None:
        with (self.folder / "deployment.zip").open("ab") as code:
            code.write(b"changed")

    def deployment(self, change: Callable[[dict[str, Any]], None] = lambda _: None, **parameters: str) -> Deployment:
        """Two tables and a function of infra/stack.json, uploaded; `change` alters the template."""
        template = packaged_template()
        change(template)
        name_tables(template, STACK_NAME)
        url = upload(self.folder, template, code_bucket(STACK_NAME))
        return Deployment(STACK_NAME, template, url, {"Stage": "prod", **PARAMETERS, **parameters})

    def status(self) -> str:
        return self.cloudformation.stack(STACK_NAME).status

    def asked(self, operation: str) -> list[dict[str, Any]]:
        return [parameters for name, parameters in self.calls if name == operation]


def packaged_template() -> dict[str, Any]:
    template = json.loads((ROOT / "infra" / "stack.json").read_text())
    tables = {name: template["Resources"][name] for name in ("ClientsTable", "MessagesTable")}
    return {**template, "Resources": {**tables, "SendMessages": copy.deepcopy(FUNCTION)}}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    forget_connections()
    with mock_aws():
        yield
    forget_connections()


@pytest.fixture
def cloud(aws: None, tmp_path: Path) -> Iterator[Cloud]:
    (tmp_path / "deployment.zip").write_bytes(b"PK")
    double = CloudFormation()
    with answering(double) as calls:
        cloud = Cloud(double, calls, [], tmp_path)
        boto3.DEFAULT_SESSION.events.register("before-call.s3", partial(answer_as_s3, cloud.strangers))
        yield cloud


def answer_as_s3(strangers: set[str], model: Any, context: Mapping[str, Any], **_: Any) -> tuple[Any, Any] | None:
    """What moto lacks: the expected owner is compared, and a policy that demands TLS refuses no call with TLS."""
    asked = context["asked"]
    if asked.get("Bucket") in strangers and "ExpectedBucketOwner" in asked:
        error = {"Code": "403" if model.name == "HeadBucket" else "AccessDenied", "Message": "Access Denied"}
        return SimpleNamespace(status_code=403), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 403}}
    return (SimpleNamespace(status_code=204), {}) if model.name == "PutBucketPolicy" else None
