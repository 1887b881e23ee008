"""Record the ends of attempts in their rows, together, and repeat what is not written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..domain.message import Settlement
from ..errors import NotWritten
from ..retries import pause_before_retry
from .posting import Ended, Posting
from .send_task import Result, SendTask

if TYPE_CHECKING:
    from ..adapters.services import Services

MIN_SECONDS_TO_WRITE = 1.0
"""The write of a result is retried while the invocation has more time than this left."""

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 2.0

Settled = dict[SendTask, Result]


class Settler:
    """Settles the attempts of one batch. Threads can share it."""

    def __init__(self, services: Services, posting: Posting) -> None:
        self._services = services
        self._posting = posting

    def settle(self, ended: list[Ended]) -> Settled:
        """The results of the tasks: those of the attempts, or of an error if they are not written."""
        if any(one.provider_id for one in ended):
            from .asking import ask_later  # few providers are asked, and their module loads that of receipts

            ask_later(self._services, ended)
        written = self._write([one.settlement for one in ended])
        return {one.task: self._result_of(one, result) for one, result in zip(ended, written, strict=True)}

    def _result_of(self, ended: Ended, written: bool | Exception) -> Result:
        if isinstance(written, Exception):
            return self._posting.retry_after_error(ended.task, written)
        is_lost = not written and ended.settlement.status is not None
        return replace(ended.result, status=None) if is_lost else ended.result

    def _write(self, settlements: list[Settlement]) -> Sequence[bool | Exception]:
        """Repeats what is not written until the time is up: without it a message is posted again or is in doubt."""
        now = self._services.clock.now()
        results: list[bool | Exception] = [NotWritten("not tried")] * len(settlements)
        number = 0
        while left := [index for index, result in enumerate(results) if isinstance(result, NotWritten)]:
            if number:
                if self._posting.seconds_left() - min(FIRST_PAUSE * 2**number, LONGEST_PAUSE) < MIN_SECONDS_TO_WRITE:
                    break
                pause_before_retry(self._services.clock, number - 1, FIRST_PAUSE, LONGEST_PAUSE)
            try:
                written = self._services.messages.settle_all([settlements[index] for index in left], now)
            except Exception as error:
                return [error if index in left else result for index, result in enumerate(results)]
            for index, result in zip(left, written, strict=True):
                results[index] = result
            number += 1
        return results
