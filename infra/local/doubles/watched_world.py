"""The simulation of AWS with CloudWatch: metrics of functions and queues, metrics in the log, and the alarms."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from chalicelib.access.audit_copy import copy_audit
from chalicelib.clients.import_worker import run_import
from chalicelib.delivery.balances import ask_balances
from chalicelib.delivery.dead_letters import read_job
from chalicelib.delivery.sweep import sweep
from chalicelib.domain.jobs import ImportClients

from .cloudwatch import CloudWatch
from .fake_queues import Delivery, FakeQueue
from .world import World

QUEUES = {"SendQueue": "send_queue", "JobsQueue": "jobs_queue", "ImportsQueue": "imports_queue"}
QUEUES |= {"ReceiptsQueue": "receipts_queue", "DeadLetters": "dead_letters"}
"""The queues by their logical names."""

COPY_MINUTES = 5
"""The schedule of the function that copies the audit."""

ASK_MINUTES = 5
"""The schedule on which the balances are asked."""

REPEATED_AFTER = (1, 3)
"""Minutes after which Lambda repeats a failed invocation by a schedule: one after the first, two after the second.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""

LEFT_OUT_AFTER = 3
"""Receives after which the age of the oldest message leaves out a message."""


class WatchedWorld(World):
    """The alarms are evaluated each minute. Nothing invokes the functions in `stopped`, which have logical names."""

    def __init__(self, cloudwatch: CloudWatch, **settings: Any) -> None:
        super().__init__(**settings)
        self.cloudwatch = cloudwatch
        self.stopped: set[str] = set()
        self._function = ""
        self._minute = 0
        self._repeated: set[int] = set()
        self._asked = 0

    def invoke(self, work: Callable[[Any], Any], function: str = "") -> bool:
        """Run one invocation, and count it and its error as Lambda does; returns False if it failed."""
        if work is sweep:  # at the beginning of each minute
            self._end_minute()
        function = "Sweep" if work is sweep else function or self._function
        if function in self.stopped:
            return False
        lines, is_done = StringIO(), False
        try:
            with redirect_stdout(lines):
                is_done = super().invoke(work)
        except Exception:  # Lambda logs it, and the event source delivers the message again
            is_done = False
        self._record(function, is_done, lines.getvalue())
        return is_done

    def tick(self) -> None:
        self._function = "StartMailing"
        super().tick()
        self.do_imports()
        if self.services.settings.audit_bucket:
            self._copy_audit()
        if self.services.settings.balance_limits:
            self._ask_balances()

    def do_jobs(self) -> None:
        self._work_as("RunJobs", super().do_jobs)

    def send_all(self) -> None:
        self._work_as("SendMessages", super().send_all)

    def settle_all(self) -> None:
        self._work_as("SettleReceipts", super().settle_all)

    def do_imports(self) -> None:
        self._work_as("ImportClients", self._import_all)

    def _copy_audit(self) -> None:
        minute = int(self.clock.now().timestamp() // 60)
        is_due = minute != self._minute and (minute % COPY_MINUTES == 0 or minute in self._repeated)
        self._minute = minute
        if is_due and not self.invoke(lambda services: copy_audit(services, lambda: 60.0), "CopyAudit"):
            again = {minute + after for after in REPEATED_AFTER} if minute % COPY_MINUTES == 0 else set()
            self._repeated |= again

    def _ask_balances(self) -> None:
        minute = int(self.clock.now().timestamp() // 60)
        if minute % ASK_MINUTES == 0 and minute != self._asked:
            self._asked = minute
            self.invoke(lambda services: ask_balances(services, lambda: 60.0), "SendMessages")

    def _work_as(self, function: str, work: Callable[[], None]) -> None:
        if function not in self.stopped:
            self._function = function
            work()

    def _import_all(self) -> None:
        while deliveries := self.services.imports_queue.receive(1):
            self.invoke(lambda services, delivery=deliveries[0]: self._work_on_import(services, delivery))

    def _work_on_import(self, services: Any, delivery: Delivery) -> None:
        job = read_job(services, delivery.body, ImportClients)
        delay = run_import(services, job, self.seconds_left(services)) if job else None
        if delay is None:
            self.services.imports_queue.delete([delivery.receipt_handle])
        else:
            self.services.imports_queue.give_back({delivery.receipt_handle: max(delay, 1)})

    def _record(self, function: str, is_done: bool, printed: str) -> None:
        now, dimensions = self.clock.now(), {"FunctionName": function}
        self.cloudwatch.put(now, "AWS/Lambda", "Invocations", dimensions, 1)
        self.cloudwatch.put(now, "AWS/Lambda", "Errors", dimensions, int(not is_done))
        for line in printed.splitlines():
            self.cloudwatch.put_line(now, line)

    def _end_minute(self) -> None:
        now = self.clock.now()
        for name, attribute in QUEUES.items():
            queue, dimensions = getattr(self.services, attribute), {"QueueName": name}
            self.cloudwatch.put(now, "AWS/SQS", "ApproximateAgeOfOldestMessage", dimensions, self.age_of(queue))
            self.cloudwatch.put(now, "AWS/SQS", "ApproximateNumberOfMessagesVisible", dimensions, queue.size())
        self.cloudwatch.evaluate(now)

    def age_of(self, queue: FakeQueue) -> float:
        """The age of the oldest message in seconds. As in SQS it leaves out what was received three times."""
        now = self.clock.now()
        counted = [one for one in queue.messages.values() if one.sent_at and one.receive_count < LEFT_OUT_AFTER]
        return max(((now - one.sent_at).total_seconds() for one in counted if one.sent_at), default=0.0)
