"""Secrets in SSM Parameter Store: in no template, no environment, no log. They outlive the stack, as its tables do."""

from __future__ import annotations

import secrets

import boto3

GATEWAY_TOKEN, SESSION_KEY, RECEIPTS_SECRET = "gateway-token", "session-key", "receipts-secret"


def put_gateway_token(stack_name: str, token: str) -> None:
    """The gateway's token, where the senders read it."""
    boto3.client("ssm").put_parameter(
        Name=_name(stack_name, GATEWAY_TOKEN), Value=token, Type="SecureString", Overwrite=True
    )


def put_session_key(stack_name: str) -> None:
    """What the console's sessions are signed with."""
    _make(_name(stack_name, SESSION_KEY))


def put_receipts_secret(stack_name: str) -> None:
    """What the gateway shows with its receipts."""
    _make(_name(stack_name, RECEIPTS_SECRET))


def _make(name: str) -> None:
    """Made once, and kept by later deploys."""
    ssm = boto3.client("ssm")
    try:
        ssm.put_parameter(Name=name, Value=secrets.token_hex(32), Type="SecureString")
    except ssm.exceptions.ParameterAlreadyExists:
        return


def has_gateway_token(stack_name: str) -> bool:
    found = boto3.client("ssm").describe_parameters(
        ParameterFilters=[{"Key": "Name", "Values": [_name(stack_name, GATEWAY_TOKEN)]}]
    )
    return bool(found["Parameters"])


def delete_secrets(stack_name: str) -> None:
    names = [_name(stack_name, name) for name in (GATEWAY_TOKEN, SESSION_KEY, RECEIPTS_SECRET)]
    boto3.client("ssm").delete_parameters(Names=names)


def _name(stack_name: str, name: str) -> str:
    return f"/{stack_name}/{name}"
