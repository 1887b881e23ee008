"""Handle the tasks of one batch: claim them in groups, post them in threads, and settle them in groups.

The main thread decides, each post has a thread, and writers claim and settle. A group is claimed when the threads are
about to run out of claimed messages, so that a sender that dies has few of them in hand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from datetime import timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from ..domain.message import Message
from .attempt import Attempt, TaskHandler
from .local_hours import ScheduledReleases
from .posting import Ended
from .send_task import Result, SendTask
from .settling import Settled, Settler
from .unposted import Unposted, after_lost_write, write_unposted

if TYPE_CHECKING:
    from ..adapters.services import Services

GROUP = 25
"""Messages of one call that claims or settles: the most statements of DynamoDB's BatchExecuteStatement."""

SETTLED_WITHIN = timedelta(seconds=0.2)
"""The longest time that an answer waits for others, to be recorded together with them."""

mailing_of = attrgetter("mailing_id")

T = TypeVar("T")
Work = Callable[[], Result | Ended]
Claimed = list[tuple[Attempt, Message | Exception | None]]
Done = Result | Ended | Claimed | Settled


class Batch:
    """`threads`: they run the posts, and write the messages that are not posted. `writers`: they claim and settle.

    At most one group is being claimed.
    """

    def __init__(
        self,
        services: Services,
        handler: TaskHandler,
        threads: Executor,
        writers: Executor,
    ) -> None:
        self._services = services
        self._handler = handler
        self._posting = handler.posting
        self._settler = Settler(services, handler.posting)
        self._threads = threads
        self._writers = writers
        self._releases = ScheduledReleases(services)
        self._results: Settled = {}
        self._at_work: dict[Future[Done], SendTask] = {}
        self._is_claiming = False
        self._recording: set[Future[Done]] = set()
        self._done: SimpleQueue[Future[Done]] = SimpleQueue()
        self._ended: list[Ended] = []

    def handle(self, tasks: Sequence[SendTask]) -> list[Result]:
        """The results in the order of the tasks. An unexpected error is logged, and its task is repeated later."""
        waiting = deque(tasks)
        while waiting or self._is_claiming or self._at_work or self._ended or self._recording:
            while waiting and not self._is_claiming and len(self._at_work) <= self._most_at_work - self._group:
                self._begin([waiting.popleft() for _ in range(min(self._group, len(waiting)))])
            self._collect()
            if self._is_time_to_settle:
                self._start_to_settle()
        return [self._results[task] for task in tasks]

    @property
    def _group(self) -> int:
        """How many messages are claimed together."""
        threads = self._services.settings.sender_threads
        return GROUP if self._claims_ahead else max(1, min(GROUP, threads // 2))

    @property
    def _most_at_work(self) -> int:
        """While the threads post, the next group is claimed already and another one is being claimed."""
        return self._services.settings.sender_threads + (2 * GROUP if self._claims_ahead else 0)

    @property
    def _claims_ahead(self) -> bool:
        """Whether a message is claimed before it has a free thread. What a sender has claimed when it dies is in doubt
        if the gateway does not deduplicate, and a permit expires while its message waits.
        """
        return self._services.settings.all_gateways_dedupe and not self._handler.permits.are_limited

    def _begin(self, tasks: list[SendTask]) -> None:
        """Claim those of the tasks that may be posted, and post them."""
        attempts: list[Attempt] = []
        unposted: list[Unposted] = []
        for task in self._prepared(tasks):
            begun = self._guarded(task, partial(self._handler.begin, task))
            if isinstance(begun, Attempt):
                attempts.append(begun)
            elif isinstance(begun, Result):
                self._leave_out(task, begun)
            else:
                unposted.append(begun)
        if attempts:
            self._start_to_claim(attempts)
        if unposted:
            self._start_to_write(unposted)

    def _prepared(self, tasks: list[SendTask]) -> list[SendTask]:
        """Those of the tasks whose mailing and rows could be read."""
        prepared: list[SendTask] = []
        for _, group in groupby(sorted(tasks, key=mailing_of), key=mailing_of):
            of_mailing = list(group)
            try:
                self._handler.prepare(of_mailing)
                prepared += of_mailing
            except Exception as error:
                for task in of_mailing:
                    self._leave_out(task, self._posting.retry_after_error(task, error))
        return prepared

    def _start_to_write(self, unposted: list[Unposted]) -> None:
        """In a thread of the posts: throttled writes keep no writer from the answers of the gateway."""
        for one in unposted:
            self._handler.clients.done_with(one.task.client_id)
        self._start_to_record(self._threads, partial(self._write, unposted))

    def _write(self, unposted: list[Unposted]) -> Settled:
        written = write_unposted(self._services, self._releases, unposted)
        return {
            task: self._posting.retry_after_error(task, result) if isinstance(result, Exception) else result
            for task, result in written.items()
        }

    def _start_to_claim(self, attempts: list[Attempt]) -> None:
        """A claim may take seconds. The main thread has the answers of earlier posts recorded meanwhile."""
        self._is_claiming = True
        future: Future[Done] = self._writers.submit(self._claim, attempts)
        future.add_done_callback(self._done.put)

    def _claim(self, attempts: list[Attempt]) -> Claimed:
        now = self._services.clock.now()
        claims = [attempt.claim(now, self._posting.longest_wait) for attempt in attempts]
        claimed: Sequence[Message | Exception | None]
        try:
            claimed = self._services.messages.claim_all(claims, now)
        except Exception as error:
            claimed = [error] * len(claims)
        return list(zip(attempts, claimed, strict=True))

    def _post_claimed(self, claimed: Claimed) -> None:
        for attempt, message in claimed:
            if isinstance(message, Message):
                self._start(attempt.task, partial(self._posting.post, attempt, message))
                continue
            self._handler.abandon(attempt)
            if message is None:
                self._start(attempt.task, partial(after_lost_write, self._services, attempt.key))
            else:
                self._leave_out(attempt.task, self._posting.retry_after_error(attempt.task, message))

    def _start(self, task: SendTask, work: Work) -> None:
        future: Future[Done] = self._threads.submit(self._run, task, work)
        self._at_work[future] = task
        future.add_done_callback(self._done.put)

    def _run(self, task: SendTask, work: Work) -> Result | Ended:
        try:
            return self._guarded(task, work)
        finally:
            self._handler.clients.done_with(task.client_id)

    def _leave_out(self, task: SendTask, result: Result) -> None:
        """The task needs no thread."""
        self._results[task] = result
        self._handler.clients.done_with(task.client_id)

    def _collect(self) -> None:
        """Take what has ended. Waits for a thread, but not longer than an answer may wait to be recorded."""
        seconds: float | None = None
        if self._ended:
            seconds = max(0.0, (SETTLED_WITHIN - self._age).total_seconds())
        try:
            if self._is_claiming or self._at_work or (self._recording and not self._ended):
                self._take(self._done.get(timeout=seconds))
            while True:
                self._take(self._done.get_nowait())
        except Empty:
            return

    def _take(self, future: Future[Done]) -> None:
        task, outcome = self._at_work.pop(future, None), future.result()
        if isinstance(outcome, Ended):
            self._ended.append(outcome)
        elif isinstance(outcome, list):
            self._is_claiming = False
            self._post_claimed(outcome)
        elif isinstance(outcome, dict):
            self._recording.remove(future)
            self._results |= outcome
        elif task is not None:
            self._results[task] = outcome

    @property
    def _age(self) -> timedelta:
        """For how long the first answer has waited to be recorded."""
        return self._services.clock.now() - self._ended[0].at

    @property
    def _is_time_to_settle(self) -> bool:
        if not self._ended:
            return False
        return len(self._ended) >= GROUP or not self._at_work or self._age >= SETTLED_WITHIN

    def _start_to_settle(self) -> None:
        ended, self._ended = self._ended, []
        self._start_to_record(self._writers, partial(self._settler.settle, ended))

    def _start_to_record(self, threads: Executor, record: Callable[[], Settled]) -> None:
        future: Future[Done] = threads.submit(record)
        self._recording.add(future)
        future.add_done_callback(self._done.put)

    def _guarded(self, task: SendTask, work: Callable[[], T]) -> T | Result:
        """An unexpected error is logged, and this task is repeated later. The other tasks continue."""
        try:
            return work()
        except Exception as error:
            return self._posting.retry_after_error(task, error)
