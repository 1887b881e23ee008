"""Dead letters: queue messages that cannot be read. They are kept unchanged until a person redrives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ..domain.job_bodies import from_body
from ..domain.jobs import Job
from ..logs import log, measure

if TYPE_CHECKING:
    from ..adapters.services import Services

J = TypeVar("J", bound=Job)


def read_job(services: Services, body: str, *kinds: type[J]) -> J | None:
    """Returns the job of a queue message, or None if the body is unreadable or of another kind.

    Such a body becomes a dead letter.
    """
    job = from_body(body)
    if isinstance(job, kinds):
        return job
    send_to_dead_letters(services, body)
    return None


def send_to_dead_letters(services: Services, body: str) -> None:
    """Keep an unreadable queue message: a later version of the code may read it."""
    log.error("unreadable message sent to the dead letters", extra={"body": body})
    services.dead_letters.send_body(body)
    measure({"DeadLetters": 1})
