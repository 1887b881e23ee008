"""The configured gateways, ready for posts. Threads share them."""

from __future__ import annotations

from collections.abc import Mapping

from ..domain.outcome import Outcome
from .port import Gateway, Sms


class Gateways:
    def __init__(self, by_name: Mapping[str, Gateway]) -> None:
        self._by_name = by_name

    def prepare(self, name: str | None = None) -> None:
        """All of them, or the one of this name. Called before a post is decided, so that it does not wait, and an error
        costs no attempt. Raises any error.
        """
        for gateway in self._by_name.values() if name is None else [self._by_name[name]]:
            gateway.prepare()

    def post(self, name: str, sms: Sms, timeout: float) -> Outcome:
        """Post once through the gateway of this name. Errors become an outcome; nothing is raised."""
        return self._by_name[name].post(sms, timeout)
