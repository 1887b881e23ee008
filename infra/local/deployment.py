"""Deploy the stage `local` to the emulator at AWS_ENDPOINT_URL: MiniStack, or LocalStack, which needs Docker."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from chalicelib.gateways.callback import path_secret
from chalicelib.settings import Settings
from infra.deploy import deploy, put_gateway_token, put_secrets, receipts_secret

from .seed import seed_access, verify_sender

STAGE = "local"
STACK_NAME = "notifications-local"
AWS_URL = "http://127.0.0.1:4566"
LOCAL_AWS = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
REPORT_SENDER = "reports@example.com"
REPORT_RECIPIENTS = "operator@example.com"
API_LIMITS = {"ApiRate": "10000", "ApiBurst": "5000"}
"""The quotas of an AWS account. The template's 100 a second would limit a script that creates many clients."""


def deploy_local(
    given: Mapping[str, str],
    gateway_token: str,
    receipts: bool = False,
    signature: str | None = None,
    client_secret: str = "",
) -> dict[str, str]:
    """Deploy with the published token and user; returns the stack's outputs. Raises DeployFailed.

    `given`: parameters of the template, such as GatewayUrl. `signature`: the secret with which a provider signs its
    receipts; empty: it has none of its own; None: the stored one stays. `client_secret`: at the identity provider.
    """
    put_gateway_token(STACK_NAME, gateway_token)
    put_secrets(STACK_NAME, _by_name(client_secret), receipts)
    if receipts and signature is not None:
        _sign_receipts(signature)
    verify_sender(REPORT_SENDER)
    parameters = {
        **given,
        "Receipts": str(receipts).lower(),
        "ReportSender": REPORT_SENDER,
        "ReportRecipients": REPORT_RECIPIENTS,
        "DeletionProtection": "false",
        **API_LIMITS,
    }
    outputs = deploy(STAGE, STACK_NAME, parameters)
    seed_access(STACK_NAME)
    return outputs


def _sign_receipts(signature: str) -> None:
    """Store the secret with which the provider signs its delivery receipts, behind our own; empty: it has none."""
    stored = receipts_secret(STACK_NAME)
    signed = ":".join(filter(None, [path_secret(stored), signature]))
    if signed != stored:
        put_secrets(STACK_NAME, {Settings(stack_name=STACK_NAME).receipts_secret_parameter: signed}, receipts=True)


def _by_name(client_secret: str) -> dict[str, str]:
    return {Settings(stack_name=STACK_NAME).oidc_secret_parameter: client_secret} if client_secret else {}


def api_url(aws_url: str, outputs: dict[str, str]) -> str:
    """The URL of the stack's API Gateway on an emulator, which serves everything on one port."""
    return f"{aws_url.rstrip('/')}/_aws/execute-api/{outputs['RestAPIId']}/api"


def use_local_aws(url: str) -> None:
    """Direct all AWS calls of this process and its children to the emulator, past a proxy, whatever AWS settings the
    environment and ~/.aws have.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(AWS_ENDPOINT_URL=url, AWS_CONFIG_FILE=os.devnull, **LOCAL_AWS)
    direct = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if direct != "*":  # every host
        hosts = [*filter(None, direct.split(",")), "127.0.0.1", urlsplit(url).hostname or ""]
        direct = ",".join(dict.fromkeys(hosts))
    os.environ.update(no_proxy=direct, NO_PROXY=direct)
