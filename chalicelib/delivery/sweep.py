"""Every minute: start and release what is due, end what is over, resume what stalled, recount what is done."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ..domain.client_import import job_body
from ..domain.mailing import Mailing
from ..domain.steps import Step, next_step
from ..logs import about, log
from .fanout import resume_fanout, start_mailing
from .local_hours import release_due
from .reconcile import ask_recount

if TYPE_CHECKING:
    from ..adapters.outside import Outside


def sweep(outside: Outside) -> dict[str, int]:
    """One look at every open mailing, and at those alone; answers how often each step was taken.

    A mailing that fails does not keep the others waiting: all errors are raised together at the end.
    """
    taken = {step.value: 0 for step in Step}
    errors: list[Exception] = []
    queue_is_idle = cache(outside.send_queue.is_idle)
    for mailing in outside.mailings.get_many(outside.mailings.open_ids()).values():
        with about(mailing_id=mailing.id):
            try:
                step = _sweep_mailing(outside, mailing, queue_is_idle())
            except Exception as error:
                log.exception("mailing not swept")
                errors.append(error)
                continue
        if step is not None:
            taken[step.value] += 1
    try:
        taken["import"] = _sweep_imports(outside)
    except Exception as error:
        log.exception("imports not swept")
        errors.append(error)
    if errors:
        raise ExceptionGroup("some of it could not be swept", errors)
    return taken


def _sweep_imports(outside: Outside) -> int:
    """Queue again the work on those that stand still though nothing is queued; how many there were."""
    now = outside.clock.now()
    running = outside.imports.get_many(outside.imports.open_ids()).values()
    stalled = [one.id for one in running if one.is_stalled(now)]
    if not stalled or not outside.imports_queue.is_idle():
        return 0
    log.info("sweep", extra={"imports": stalled})
    outside.imports_queue.send([job_body(import_id) for import_id in stalled])
    return len(stalled)


def _sweep_mailing(outside: Outside, mailing: Mailing, queue_is_idle: bool) -> Step | None:
    step = next_step(mailing, outside.clock.now(), queue_is_idle)
    if step is None:
        return None
    log.info("sweep", extra={"step": step.value})
    match step:
        case Step.START:
            start_mailing(outside, mailing.id)
        case Step.RELEASE:
            release_due(outside, mailing, outside.clock.now())
        case Step.WALK:
            resume_fanout(outside, mailing)
        case Step.RECOUNT:
            ask_recount(outside, mailing)
        case Step.REQUEUE:
            ask_recount(outside, mailing, requeue=True)
    return step
