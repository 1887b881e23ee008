"""Invoke the Lambdas of the local stack, as `aws lambda invoke` does."""

from __future__ import annotations

import json
from typing import Any

import boto3


def invoke(function: str, payload: dict[str, str]) -> dict[str, Any]:
    """`function` is its name in the template, such as SendReport; returns the result."""
    lambdas = boto3.client("lambda")
    names = [item["FunctionName"] for item in lambdas.list_functions()["Functions"]]
    response = lambdas.invoke(
        FunctionName=next(name for name in names if function in name), Payload=json.dumps(payload)
    )
    result: dict[str, Any] = json.loads(response["Payload"].read())
    return result
