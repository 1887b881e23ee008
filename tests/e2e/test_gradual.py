"""An API whose requests go to an alias: API Gateway may call it, and a change of a setting reaches it.

MiniStack knows no CodeDeploy. So its part is taken from the template here, and the alias moves at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests

from infra.deploy import put_secrets
from infra.deploy.destroy import destroy
from infra.deploy.gradual import ALIAS, FUNCTIONS, PARAMETER, STEPS
from infra.deploy.stack import change_stack, outputs_of, parameters_of, prepare
from infra.local.deployment import api_url
from infra.local.stack import DevStack

NAME = "notifications-gradual"
PLAIN = {"GatewayUrl": "https://sms.example.com", "DeletionProtection": "false"}


@pytest.fixture
def stage(stack: DevStack) -> Iterator[str]:
    put_secrets(NAME, {f"/{NAME}/gateway-token": "a-secret"}, False)
    yield NAME
    destroy(NAME, True)


def deploy(**parameters: str) -> dict[str, str]:
    """Deploy and return the outputs."""
    deployment = prepare("gradual", NAME, parameters)
    template: dict[str, Any] = json.loads(json.dumps(deployment.template))
    for function in FUNCTIONS:
        template["Resources"][function]["Properties"].pop("DeploymentPreference", None)
    change_stack(deployment.uploaded_again(template), say=lambda line: None)
    return outputs_of(NAME)


def calls_of(outputs: dict[str, str]) -> list[str]:
    """What API Gateway invokes: the ends of the ARNs, for all routes and the authorizer."""
    gateway, api = boto3.client("apigateway"), outputs["RestAPIId"]
    resources = gateway.get_resources(restApiId=api, embed=["methods"], limit=500)["items"]
    methods = [one for resource in resources for one in resource.get("resourceMethods", {}).values()]
    uris = [one["methodIntegration"]["uri"] for one in methods if "methodIntegration" in one]
    uris += [one["authorizerUri"] for one in gateway.get_authorizers(restApiId=api)["items"]]
    return [uri.removesuffix("/invocations").rpartition(":")[2] for uri in uris]


def version_of_the_alias(outputs: dict[str, str]) -> str:
    alias = boto3.client("lambda").get_alias(FunctionName=outputs["APIHandlerName"], Name=ALIAS)
    return str(alias["FunctionVersion"])


def new_token(outputs: dict[str, str]) -> str:
    payload = json.dumps({"make": "shop", "role": "admin"})
    answer = boto3.client("lambda").invoke(FunctionName=outputs["ManageTokensName"], Payload=payload)
    return str(json.loads(answer["Payload"].read())["token"])


def test_the_api_answers_by_its_alias_and_a_setting_reaches_it(stack: DevStack, stage: str) -> None:
    outputs = deploy(**PLAIN, **{PARAMETER: STEPS[0]})
    assert set(calls_of(outputs)) == {ALIAS}
    headers = {"Authorization": f"Token {new_token(outputs)}"}
    url = api_url(stack.aws_url, outputs)
    assert requests.get(f"{url}/Stats/", headers=headers, timeout=30).status_code == 200
    assert requests.get(f"{url}/Stats/", timeout=30).status_code == 401
    first = version_of_the_alias(outputs)
    deploy()
    assert version_of_the_alias(outputs) == first, "the option stays, and nothing has changed"
    deploy(GatewayUrl="https://other.example.com")
    assert version_of_the_alias(outputs) != first
    configuration = boto3.client("lambda").get_function_configuration(
        FunctionName=outputs["APIHandlerName"], Qualifier=ALIAS
    )
    assert configuration["Environment"]["Variables"]["GATEWAY_URL"] == "https://other.example.com"
    outputs = deploy(**{PARAMETER: ""})
    assert ALIAS not in calls_of(outputs)
    assert PARAMETER not in (parameters_of(NAME) or {})
    assert requests.get(f"{api_url(stack.aws_url, outputs)}/Stats/", headers=headers, timeout=30).status_code == 200
