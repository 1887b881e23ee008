"""A separate stack for the tests of rights: they remove rights, and cause rare events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from infra.local.doubles.aws import forget_connections
from infra.local.local_settings import any_settings
from infra.local.stack import DevStack
from tests.openid_provider import CLIENT_ID, SECRET, running_provider

from .tour import AUDIT_BUCKET, INBOUND_TOPIC, Tour


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevStack]:
    """Points AWS clients of this process to MiniStack while the stack runs, and restores the environment afterwards."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "")  # restored after the tests
        forget_connections()
        limits = {"gateway_price": "1.50", "daily_budget": "1000000"}  # the sum of the day is read and written
        limits["balance_alarm"] = "100"
        settings = replace(
            any_settings(), receipts=True, audit_bucket=AUDIT_BUCKET, inbound_topic=INBOUND_TOPIC, **limits
        )
        environment.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        with running_provider() as provider:
            provider.put_user("olga", roles=["admins"])
            known = {"oidc_client_id": CLIENT_ID, "oidc_role_claim": "roles", "oidc_roles": "admins=admin"}
            settings = replace(settings, oidc_issuer=provider.url, oidc_client_secret=SECRET, **known)
            with DevStack(settings, tmp_path_factory.mktemp("logs"), print_line=lambda line: None) as stack:
                yield stack
    forget_connections()


@pytest.fixture(scope="package")
def toured(stack: DevStack) -> DevStack:
    """The stack after the tour has used every function of the service."""
    Tour(stack).walk()
    return stack
