"""Secrets in SSM Parameter Store: in no template, no environment, no log. Like the tables, they outlive the stack.

The names of the parameters are those from which the service reads them (chalicelib/settings.py).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3

from chalicelib.settings import Settings

from .errors import DeployFailed, StillWorking

MOST_DELETED = 10
"""Parameters in one call of DeleteParameters."""

KEY, FORMER_KEY = "KmsKeyArn", "FormerKmsKeyArn"
KEY_OF_AWS = "alias/aws/ssm"


def put_secrets(stack_name: str, gateway_tokens: Mapping[str, str], receipts: bool, key: str = "") -> None:
    """Store all secrets that a stack needs. `gateway_tokens`, and the secret at the identity provider: by the name of
    the parameter; stored ones can be left out.
    """
    for name, token in gateway_tokens.items():
        _put(name, token, key)
    put_session_key(stack_name, key)
    put_phone_key(stack_name, key)
    if receipts:
        put_receipts_secret(stack_name, key)


def put_gateway_token(stack_name: str, token: str, key: str = "") -> None:
    """Store the token with which the senders call the gateway; an existing one is replaced.

    `key`: here and below, the ARN of the KMS key that encrypts a new value; empty: AWS's key for SSM.
    """
    _put(Settings(stack_name=stack_name).gateway_token_parameter, token, key)


def _put(name: str, value: str, key: str) -> None:
    boto3.client("ssm").put_parameter(Name=name, Value=value, Overwrite=True, **_encrypted(key))


def put_session_key(stack_name: str, key: str = "") -> None:
    """Create the key that signs the sessions of the console, unless it exists."""
    _create(Settings(stack_name=stack_name).session_key_parameter, key)


def put_phone_key(stack_name: str, key: str = "") -> None:
    """Create the key of the digests that stand for erased phone numbers, unless it exists.

    It is never replaced: with another key the service would not recognize the numbers of erased people.
    """
    _create(Settings(stack_name=stack_name).phone_key_parameter, key)


def put_receipts_secret(stack_name: str, key: str = "") -> None:
    """Create the secret that the gateway sends with its delivery receipts, unless it exists."""
    _create(Settings(stack_name=stack_name).receipts_secret_parameter, key)


def receipts_secret(stack_name: str) -> str:
    name = Settings(stack_name=stack_name).receipts_secret_parameter
    return _value(name)


def _value(name: str) -> str:
    return str(boto3.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])


def _encrypted(key: str) -> Any:
    return {"Type": "SecureString", **({"KeyId": key} if key else {})}


def _create(name: str, key: str) -> None:
    """Later deploys keep the value."""
    ssm = boto3.client("ssm")
    try:
        ssm.put_parameter(Name=name, Value=secrets.token_hex(32), **_encrypted(key))
    except ssm.exceptions.ParameterAlreadyExists:
        return


@contextmanager
def restored_after_failure(names: Iterable[str], key: str = "") -> Iterator[None]:
    """Give these secrets their former values again if the deploy in this block fails: the stack is as it was before,
    and its gateway may refuse the token of the one that it was to get.

    `key`: that of the last deploy.
    """
    former = {name: _value(name) for name in names if is_stored(name)}
    try:
        yield
    except StillWorking:
        raise
    except DeployFailed as failed:
        for name, value in former.items():
            _put(name, value, key)
        if not former:
            raise
        raise DeployFailed(f"{failed}. The given secrets are the former ones again: give them once more") from failed


def former_key(before: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameter that keeps the right to read by the key of the last deploy; nothing if the key stays the same.

    `before`: the parameters of the last deploy, `parameters`: those of this one.
    """
    old = before.get(KEY, "")
    return {FORMER_KEY: old} if old and old != parameters.get(KEY, old) else {}


def encrypt_again(stack_name: str, key: str = "") -> None:
    """Encrypt the secrets with this key that were encrypted with another one. Their values stay.

    It is called when the functions may use this key. Until then they read the secrets by the former one.
    """
    wanted = key or KEY_OF_AWS
    names = [*_fixed_names(Settings(stack_name=stack_name)), *_gateway_tokens(stack_name)]
    for secret in (secret for name in names for secret in _stored("Equals", name)):
        if secret.get("KeyId", KEY_OF_AWS) != wanted:
            _put(secret["Name"], _value(secret["Name"]), wanted)


def has_gateway_token(stack_name: str) -> bool:
    return bool(_gateway_tokens(stack_name))


def is_stored(parameter: str) -> bool:
    return bool(_names("Equals", parameter))


def _gateway_tokens(stack_name: str) -> list[str]:
    """The names of the parameters with a token of a gateway, also of former ones."""
    name = Settings(stack_name=stack_name).gateway_token_parameter
    return [*_names("Equals", name), *_names("BeginsWith", f"{name}-")]


def _names(option: str, name: str) -> list[str]:
    return [parameter["Name"] for parameter in _stored(option, name)]


def _stored(option: str, name: str) -> list[dict[str, Any]]:
    found = boto3.client("ssm").get_paginator("describe_parameters")
    pages = found.paginate(ParameterFilters=[{"Key": "Name", "Option": option, "Values": [name]}])
    return [parameter for page in pages for parameter in page["Parameters"]]


def delete_secrets(stack_name: str) -> None:
    ssm, tokens = boto3.client("ssm"), _gateway_tokens(stack_name)
    ssm.delete_parameters(Names=_fixed_names(Settings(stack_name=stack_name)))
    for start in range(0, len(tokens), MOST_DELETED):
        ssm.delete_parameters(Names=tokens[start : start + MOST_DELETED])


def _fixed_names(settings: Settings) -> list[str]:
    """Of all secrets but the tokens of gateways."""
    names = [settings.session_key_parameter, settings.receipts_secret_parameter, settings.phone_key_parameter]
    return [*names, settings.oidc_secret_parameter]
