"""Invoke the Lambdas of the local stack, as `aws lambda invoke` does."""

from __future__ import annotations

import json
from typing import Any

import boto3


def find_function(function: str) -> str:
    """The name of the Lambda that is called so in the template, such as SendReport."""
    names = [item["FunctionName"] for item in boto3.client("lambda").list_functions()["Functions"]]
    return next(name for name in names if function in name)


def invoke(function: str, payload: dict[str, str]) -> dict[str, Any]:
    """`function` is its name in the template; returns the result."""
    name = find_function(function)
    response = boto3.client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload))
    result: dict[str, Any] = json.loads(response["Payload"].read())
    return result
