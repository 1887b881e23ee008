"""What the local stage has from the start: the token that is published in the contract, and a sender for letters."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3

from chalicelib.access import digest
from chalicelib.adapters.tables.tokens import Tokens
from chalicelib.domain.principal import ADMIN, Principal

LOCAL_TOKEN = "f3a527cd037b3a1e4d41f9e1afd7db26b6ba9cda"  # noqa: S105


def seed_token(stack_name: str) -> None:
    """For a stack on this machine alone: any other stage refuses this token, whoever wrote it there."""
    Tokens(stack_name).add(digest(LOCAL_TOKEN), Principal("adminaccount", ADMIN), datetime.now(UTC))


def verify_sender(address: str) -> None:
    """SES sends for verified addresses alone, also here; MiniStack and LocalStack ask nobody to confirm."""
    boto3.client("ses").verify_email_identity(EmailAddress=address)
