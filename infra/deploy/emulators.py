"""Settings that AWS takes from the template and an emulator may ignore: set by calls, only if they are missing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import boto3
from botocore.config import Config


def complete_api(api_id: str, api: Mapping[str, Any]) -> None:
    """`api`: the properties of the RestAPI in the packaged template."""
    _complete_binary_types(api_id, api["DefinitionBody"]["x-amazon-apigateway-binary-media-types"])
    _complete_gateway_responses(api_id, api)


def complete_event_sources(functions: Any, stack_name: str) -> None:
    """Set MaximumConcurrency again, as a number. Not done on AWS.

    CloudFormation converts a parameter to a number; MiniStack 1.5 keeps the string and then stops reading the queue.
    boto3 shows a number in either case, so the fault cannot be detected. LocalStack still lists the mappings of a
    deleted stack for some seconds. `functions` is a client of Lambda.
    """
    if functions.meta.endpoint_url.startswith("https:"):  # AWS, by whatever domain: some partitions have another one
        return
    for page in functions.get_paginator("list_event_source_mappings").paginate():
        for source in page["EventSourceMappings"]:
            if "ScalingConfig" in source and f":{stack_name}-" in source["FunctionArn"]:
                with suppress(functions.exceptions.ResourceNotFoundException):
                    functions.update_event_source_mapping(UUID=source["UUID"], ScalingConfig=source["ScalingConfig"])


def _complete_binary_types(api_id: str, media_types: list[str]) -> None:
    """The media types of binary bodies; MiniStack 1.5 takes only a list of all of them."""
    gateway = boto3.client("apigateway", config=Config(parameter_validation=False))
    known = gateway.get_rest_api(restApiId=api_id).get("binaryMediaTypes", [])
    if not set(media_types) <= set(known):
        change = {"op": "replace", "path": "/binaryMediaTypes", "value": media_types}
        gateway.update_rest_api(restApiId=api_id, patchOperations=[change])


def _complete_gateway_responses(api_id: str, api: Mapping[str, Any]) -> None:
    """The answers that API Gateway gives itself, set one by one, without the headers that depend on a condition."""
    gateway = boto3.client("apigateway")
    known = gateway.get_gateway_responses(restApiId=api_id, limit=500)["items"]
    customized = {item["responseType"] for item in known if not item.get("defaultResponse")}
    missing = {name: response for name, response in api["GatewayResponses"].items() if name not in customized}
    for name, response in missing.items():
        headers = response.get("ResponseParameters", {}).get("Headers", {})
        status = {"statusCode": response["StatusCode"]} if "StatusCode" in response else {}
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType=name,
            responseParameters={
                f"gatewayresponse.header.{header}": value for header, value in headers.items() if isinstance(value, str)
            },
            responseTemplates=response["ResponseTemplates"],
            **status,
        )
    if missing:
        gateway.create_deployment(restApiId=api_id, stageName=api["StageName"])
