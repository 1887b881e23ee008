"""The address at which a provider reports one message, for providers that take one with each post."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from .port import Secret

KEY_LENGTH = 32
"""Hexadecimal digits: 128 bits."""


def path_secret(stored: str) -> str:
    """The part of /<stack>/receipts-secret that is in paths. A colon and the provider's signature secret may follow."""
    return stored.partition(":")[0]


def message_key(stored: str, gateway: str, message_id: str) -> str:
    """The key in the path for one message. A person who reads it in a log of the provider can report no other one."""
    return hmac.digest(path_secret(stored).encode(), f"{gateway}/{message_id}".encode(), "sha256").hex()[:KEY_LENGTH]


@dataclass(frozen=True)
class Callback:
    """`url`: the address of `/Receipts`, without a final slash. `secret`: of delivery receipts."""

    url: str
    gateway: str
    secret: Secret

    def __call__(self, message_id: int) -> str:
        """Raises the errors of the secret, if it was never read."""
        key = message_key(self.secret.value(), self.gateway, str(message_id))
        return f"{self.url}/{self.gateway}/{key}?id={message_id}"

    def prepare(self) -> None:
        self.secret.value()
