"""Secrets, from SSM Parameter Store: read once per container, and again when they may have been changed."""

from __future__ import annotations

import time

from . import aws

LIFE_SECONDS = 300


class Parameter:
    """A SecureString. Its value is never logged, nor part of an error."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._value: str | None = None
        self._read_at = 0.0

    def value(self) -> str:
        if self._value is None or time.monotonic() - self._read_at > LIFE_SECONDS:
            answer = aws.client("ssm").get_parameter(Name=self.name, WithDecryption=True)
            self._value = str(answer["Parameter"]["Value"])
            self._read_at = time.monotonic()
        return self._value

    def forget(self) -> None:
        """The secret was refused: it may have been changed, so the next use reads it again."""
        self._value = None
