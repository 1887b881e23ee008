"""Secrets, from SSM Parameter Store: read once per container, and again when they may have been changed."""

from __future__ import annotations

import time

from botocore.exceptions import BotoCoreError, ClientError

from ..logs import log
from . import aws

LIFE_SECONDS = 300
SECONDS_TO_ANOTHER_TRY = 30
"""When it could not be read: a time limit of SSM must not be waited for at every post."""


class Parameter:
    """A SecureString. Its value is never logged, nor part of an error."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._value: str | None = None
        self._good_until = 0.0

    def value(self) -> str:
        """What was read last, if it cannot be read anew; raises botocore's errors if it never was."""
        if self._value is None or time.monotonic() > self._good_until:
            self._value = self._read(self._value)
        return self._value

    def forget(self) -> None:
        """The secret was refused: it may have been changed, so the next use reads it again."""
        self._good_until = 0.0

    def _read(self, last: str | None) -> str:
        try:
            answer = aws.client("ssm").get_parameter(Name=self.name, WithDecryption=True)
        except (BotoCoreError, ClientError) as error:
            if last is None:
                raise
            why = {"parameter": self.name, "error": str(error)}
            log.warning("secret not read anew: its last value is used", extra=why)
            self._good_until = time.monotonic() + SECONDS_TO_ANOTHER_TRY
            return last
        self._good_until = time.monotonic() + LIFE_SECONDS
        return str(answer["Parameter"]["Value"]).strip()  # a file that it was put from ends with a line break
