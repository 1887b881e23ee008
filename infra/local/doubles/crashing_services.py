"""Services of a process that ends at one of its calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .fakes import FakeServices

PARTS = (
    "labels",
    "counters",
    "clients",
    "erasures",
    "mailings",
    "segments",
    "drafts",
    "text_templates",
    "series",
    "messages",
    "receipts",
    "receipts_queue",
    "asks_queue",
    "rates",
    "spending",
    "slices",
    "timelines",
    "stop_list",
    "imports",
    "import_files",
    "imports_queue",
    "send_queue",
    "jobs_queue",
    "schedules",
    "gateway",
)


class Crash(BaseException):
    """The end of a process. Not an Exception, so that no code catches it."""


class CrashingServices:
    """Services of a process that ends at its n-th call, before or after the call takes effect.

    Each claim, settlement and change of a batch counts as a call: the process may end between two of them.
    """

    def __init__(self, services: FakeServices, at: int | None = None, after: bool = False) -> None:
        self.settings = services.settings
        self.clock = services.clock
        self.thread_pool = services.thread_pool
        self.calls = 0
        self.at = at
        self.after = after
        self.dead_letters = services.dead_letters
        self.idempotency_keys = services.idempotency_keys
        self.phone_key = services.phone_key
        self.askers = services.askers
        for name in PARTS:
            setattr(self, name, _Part(self, getattr(services, name)))

    @property
    def is_dead(self) -> bool:
        return self.at is not None and self.calls > self.at

    def call_each(self, function: Callable[..., Any], entries: Sequence[Any], *others: Any) -> list[Any]:
        return [result for entry in entries for result in self.call(function, [entry], *others)]

    def call(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        if self.is_dead or (self.calls == self.at and not self.after):
            self.calls = (self.at or 0) + 1
            raise Crash
        result = function(*arguments, **named)
        if self.calls == self.at:
            self.calls += 1
            raise Crash
        return result


class _Part:
    def __init__(self, crashing: CrashingServices, part: Any) -> None:
        self._crashing = crashing
        self._part = part

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        if not callable(value):
            return value
        call = self._crashing.call_each if name in ("claim_all", "settle_all", "change_all") else self._crashing.call
        return lambda *arguments, **named: call(value, *arguments, **named)
