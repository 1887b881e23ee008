"""The sweep runs every minute: it starts and releases due mailings, restarts stalled work, requests reconciliation.

It also makes the mailings of series whose start has come, wakes the feeds of mailings with rate limits, and
measures the silence of mailings for an alarm.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from ..clients.traces import requeue_stalled
from ..domain.jobs import ImportClients
from ..domain.mailing import Mailing
from ..domain.rounds import QUEUE_ALL, QUEUE_OVERDUE
from ..domain.silence import is_paused_by_service, longest_silence
from ..domain.sweep_plan import SendQueue, SweepStep, next_sweep_step, read_until
from ..logs import log, log_context, measure
from .fanout import resume_fanout, start_mailing
from .feed import continue_feed
from .local_hours import release_due
from .rounds import continue_round, request_reconciliation
from .series import make_due_mailings
from .timeline import keep_sample

if TYPE_CHECKING:
    from ..adapters.services import Services


def sweep(services: Services) -> dict[str, int]:
    """Check every open import and erasure, every due series, and every mailing that is open and due.

    Returns the number of each step.
    An error does not stop the sweep of the others: all errors are raised together at the end.
    """
    taken = {step.value: 0 for step in SweepStep} | {"feed": 0}
    errors: list[Exception] = []
    now = services.clock.now()
    mailings = services.mailings.get_many(services.mailings.active_ids(now))
    _measure(mailings.values(), now)
    is_idle, read_to = cache(services.send_queue.is_idle), read_until(mailings.values(), now)
    for mailing in mailings.values():
        with log_context(mailing_id=mailing.id):
            try:
                keep_sample(services, mailing, now)
                taken["feed"] += continue_feed(services, mailing)
                step = _sweep_mailing(services, mailing, SendQueue(is_idle(), read_to))
            except Exception as error:
                log.exception("mailing not swept")
                errors.append(error)
                continue
        if step is not None:
            taken[step.value] += 1
    others = {"import": _sweep_imports, "erasure": requeue_stalled, "series": make_due_mailings}
    for name, sweep_others in others.items():
        try:
            taken[name] = sweep_others(services)
        except Exception as error:
            log.exception("not swept", extra={"kind": name})
            errors.append(error)
    if errors:
        raise ExceptionGroup("some mailings, series, imports or erasures were not swept", errors)
    return taken


def _measure(mailings: Collection[Mailing], now: datetime) -> None:
    """Nothing is recorded, and so nothing is charged, while no mailing may send and none is paused by the service."""
    silence = longest_silence(mailings, now)
    paused = sum(is_paused_by_service(mailing, now) for mailing in mailings)
    levels = {} if silence is None else {"SilentSeconds": silence.total_seconds()}
    measure({"PausedMailings": paused}, levels=levels)


def _sweep_imports(services: Services) -> int:
    """Queue stalled imports again if the imports queue is empty. Returns their number."""
    now = services.clock.now()
    running = services.imports.get_many(services.imports.open_ids()).values()
    stalled = [client_import.id for client_import in running if client_import.is_stalled(now)]
    if not stalled or not services.imports_queue.is_idle():
        return 0
    log.info("sweep", extra={"imports": stalled})
    services.imports_queue.send([ImportClients(import_id) for import_id in stalled])
    return len(stalled)


def _sweep_mailing(services: Services, mailing: Mailing, queue: SendQueue) -> SweepStep | None:
    if not mailing.is_open:  # the index of open mailings lags behind
        return None
    step = next_sweep_step(mailing, services.clock.now(), queue)
    if step is None:
        return None
    log.info("sweep", extra={"step": step.value})
    match step:
        case SweepStep.START:
            _start_late(services, mailing)
        case SweepStep.RELEASE:
            release_due(services, mailing, services.clock.now())
        case SweepStep.WALK:
            resume_fanout(services, mailing)
        case SweepStep.CONTINUE:
            continue_round(services, mailing)
        case SweepStep.RECONCILE:
            request_reconciliation(services, mailing)
        case SweepStep.REQUEUE:
            request_reconciliation(services, mailing, QUEUE_ALL)
        case SweepStep.REQUEUE_OVERDUE:
            request_reconciliation(services, mailing, QUEUE_OVERDUE)
    return step


def _start_late(services: Services, mailing: Mailing) -> None:
    """Start the mailing and delete its schedule, which has not fired and may never fire (LocalStack)."""
    if start_mailing(services, mailing.id):
        services.schedules.remove(mailing.id)
