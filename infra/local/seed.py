"""The initial data of the stage `local`: the published token and user, and a verified sender of emails."""

from __future__ import annotations

import boto3

from chalicelib.access.tokens import digest
from chalicelib.access.users import set_user
from chalicelib.adapters.services import Services
from chalicelib.domain.principal import ADMIN, Principal, Token
from chalicelib.settings import LOCAL_STAGE, Settings

LOCAL_TOKEN = "f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda"  # noqa: S105
LOCAL_USER, LOCAL_PASSWORD = "adminaccount", "adminpass"


def seed_access(stack_name: str) -> None:
    """Only for a local stack: every other stage refuses this token and this user even if they are in its tables.

    The token and the user have one name, which make_token and make_user refuse.
    """
    services = Services(Settings(stage=LOCAL_STAGE, stack_name=stack_name))
    services.tokens.add(Token(digest(LOCAL_TOKEN), Principal(LOCAL_USER, ADMIN), services.clock.now()))
    set_user(services, LOCAL_USER, ADMIN, LOCAL_PASSWORD)


def verify_sender(address: str) -> None:
    """SES sends only from verified addresses. MiniStack and LocalStack verify without a confirmation."""
    boto3.client("ses").verify_email_identity(EmailAddress=address)
