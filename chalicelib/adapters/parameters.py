"""Secrets from SSM Parameter Store. Each is read once per container, and again when it may have changed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from ..logs import log
from . import aws

if TYPE_CHECKING:
    from ..gateways.port import Secret
    from ..settings import Settings

LIFE_SECONDS = 300
RETRY_SECONDS = 30
"""From a failed read to the next one, so that not every post waits for a timeout of SSM."""


class Parameter:
    """A SecureString. Its value is in no log line and no error."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._value: str | None = None
        self._good_until = 0.0

    def value(self) -> str:
        """The value. If it cannot be read again, the last value. Raises botocore's errors if there is none."""
        if self._value is None or time.monotonic() > self._good_until:
            self._value = self._read(self._value)
        return self._value

    def expire(self) -> None:
        """The next `value` reads the secret again. For a secret that was refused: it may have changed."""
        self._good_until = 0.0

    def _read(self, last: str | None) -> str:
        try:
            answer = aws.client("ssm").get_parameter(Name=self.name, WithDecryption=True)
        except (BotoCoreError, ClientError) as error:
            if last is None:
                raise
            details = {"parameter": self.name, "error": str(error)}
            log.warning("secret not read anew: its last value is used", extra=details)
            self._good_until = time.monotonic() + RETRY_SECONDS
            return last
        self._good_until = time.monotonic() + LIFE_SECONDS
        return str(answer["Parameter"]["Value"]).strip()  # a secret that was put from a file ends with a line break


class _NoSecret:
    """For a gateway that needs none."""

    def value(self) -> str:
        return ""

    def expire(self) -> None: ...


NO_SECRET = _NoSecret()


def secrets_of(settings: Settings) -> Mapping[str, Secret]:
    """Of the gateways, by their names; NO_SECRET for a provider that needs none."""
    return {
        name: Parameter(settings.token_parameter_of(name)) if configured.capabilities.key_form else NO_SECRET
        for name, configured in settings.gateway_by_name.items()
    }
