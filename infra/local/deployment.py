"""The stage `local` onto whatever AWS_ENDPOINT_URL leads to: MiniStack here, LocalStack for those who have Docker."""

from __future__ import annotations

import os

from infra.deploy import deploy, put_gateway_token, put_receipts_secret, put_session_key

from .seed import seed_access, verify_sender

STAGE = "local"
STACK_NAME = "notifications-local"
AWS_URL = "http://127.0.0.1:4566"
LOCAL_AWS = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
REPORT_SENDER = "reports@example.com"
REPORT_RECIPIENTS = "operator@example.com"
API_LIMITS = {"ApiRate": "10000", "ApiBurst": "5000"}
"""An account's own: with the template's 100 a second a quick machine would be refused the demo's thousand clients."""


def deploy_local(
    gateway_url: str,
    gateway_token: str,
    gateway_dedupes: bool = True,
    receipts: bool = False,
    gateway_rate: str = "",
) -> dict[str, str]:
    """With what the contract publishes to come in with; answers with the stack's outputs. Raises DeployFailed."""
    put_gateway_token(STACK_NAME, gateway_token)
    put_session_key(STACK_NAME)
    if receipts:
        put_receipts_secret(STACK_NAME)
    verify_sender(REPORT_SENDER)
    parameters = {
        "GatewayUrl": gateway_url,
        "GatewayDedupes": str(gateway_dedupes).lower(),
        "GatewayRate": gateway_rate,
        "Receipts": str(receipts).lower(),
        "ReportSender": REPORT_SENDER,
        "ReportRecipients": REPORT_RECIPIENTS,
        "DeletionProtection": "false",
        **API_LIMITS,
    }
    outputs = deploy(STAGE, STACK_NAME, parameters)
    seed_access(STACK_NAME)
    return outputs


def api_url(aws_url: str, outputs: dict[str, str]) -> str:
    """Where API Gateway answers for the stack, on an emulator's one port."""
    return f"{aws_url.rstrip('/')}/restapis/{outputs['RestAPIId']}/api/_user_request_"


def use_local_aws(url: str) -> None:
    """From here on this process and its children mean the emulator when they say AWS."""
    os.environ.update(AWS_ENDPOINT_URL=url, **LOCAL_AWS)
    for real in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(real, None)
