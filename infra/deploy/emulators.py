"""What AWS takes from the template and an emulator may not: seen to by calls, and by none where it was taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config


def complete_api(api_id: str, api: Mapping[str, Any]) -> None:
    """`api`: the properties of the RestAPI in the packaged template."""
    _complete_binary_types(api_id, api["DefinitionBody"]["x-amazon-apigateway-binary-media-types"])
    _complete_gateway_responses(api_id, api)


def complete_event_sources(stack_name: str) -> None:
    """CloudFormation makes a number of a parameter's text; MiniStack 1.5 does not, and stops reading queues over it.

    Nobody can see it from outside: an answer's text is read as a number. So the number is set again, but not in AWS.
    """
    functions = boto3.client("lambda")
    if ".amazonaws.com" in functions.meta.endpoint_url:
        return
    for page in functions.get_paginator("list_event_source_mappings").paginate():
        for source in page["EventSourceMappings"]:
            if "ScalingConfig" in source and f":{stack_name}-" in source["FunctionArn"]:
                functions.update_event_source_mapping(UUID=source["UUID"], ScalingConfig=source["ScalingConfig"])


def _complete_binary_types(api_id: str, wanted: list[str]) -> None:
    """Which bodies are bytes; MiniStack 1.5 wants them all at once."""
    gateway = boto3.client("apigateway", config=Config(parameter_validation=False))
    known = gateway.get_rest_api(restApiId=api_id).get("binaryMediaTypes", [])
    if not set(wanted) <= set(known):
        change = {"op": "replace", "path": "/binaryMediaTypes", "value": wanted}
        gateway.update_rest_api(restApiId=api_id, patchOperations=[change])


def _complete_gateway_responses(api_id: str, api: Mapping[str, Any]) -> None:
    """API Gateway's own answers, one by one."""
    gateway = boto3.client("apigateway")
    known = gateway.get_gateway_responses(restApiId=api_id, limit=500)["items"]
    customized = {item["responseType"] for item in known if not item.get("defaultResponse")}
    missing = {name: one for name, one in api["GatewayResponses"].items() if name not in customized}
    for name, response in missing.items():
        headers = response.get("ResponseParameters", {}).get("Headers", {})
        status = {"statusCode": response["StatusCode"]} if "StatusCode" in response else {}
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType=name,
            responseParameters={f"gatewayresponse.header.{header}": value for header, value in headers.items()},
            responseTemplates=response["ResponseTemplates"],
            **status,
        )
    if missing:
        gateway.create_deployment(restApiId=api_id, stageName=api["StageName"])
