"""Forget a person: delete the client at once, then its traces in a job. `traces.py` cleans the traces.

A stop outlives the person as a keyed hash of the phone number, so that nobody registers the number again unasked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain.audit_record import Author
from ..domain.client import Client
from ..domain.erasure import Erasure, erasure_of_client, erasure_of_phone
from ..domain.jobs import EraseTraces
from ..domain.phone_digest import phone_digest
from ..errors import BadInput, RowChanged
from ..logs import add_log_keys
from ..retries import retry_lost_races
from ..texts import Text
from .registry import get_client

if TYPE_CHECKING:
    from ..adapters.services import Services

ERASED, READMITTED = "erased", "readmitted"
PHONE_SUBJECT = "phone"
"""The audit's kind of object for a number without a client. Its id is the beginning of the number's digest."""

SHOWN_DIGITS = 8

SECONDS_TO_SETTLE = 120
"""Until the job begins. A sender may still have a message of the client, and its invocation ends within 60 seconds."""


@dataclass(frozen=True)
class Erased:
    """`client_id`: None if no client had the phone number. `is_stopped`: the number stays refused."""

    client_id: int | None
    is_stopped: bool


def erase_client(services: Services, client_id: int, author: Author) -> Erased:
    """Delete the client and its phone number in one transaction with the erasure, and queue the job.

    If the job is lost, the sweep queues it again. Queued messages of the client are cancelled, as after a deletion.
    Raises NotFound.
    """
    add_log_keys(client_id=client_id)
    return retry_lost_races(services.clock, lambda: _erase(services, get_client(services, client_id), author))


def erase_phone(services: Services, phone_number: str, author: Author) -> Erased:
    """Erase the client with this phone number. Without one, erase the number from the stop list, and its traces.

    A repetition cleans the traces again and changes nothing else.
    """

    def attempt() -> Erased:
        client = services.clients.find_by_phone(phone_number)
        return _erase(services, client, author) if client else _erase_number(services, phone_number, author)

    return retry_lost_races(services.clock, attempt)


def readmit_phone(services: Services, phone_number: str, author: Author) -> None:
    """Let an erased phone number be registered again. Raises BadInput if it is not refused."""
    digest = _digest(services, phone_number)
    record = author.record(PHONE_SUBJECT, digest[:SHOWN_DIGITS], None, None, READMITTED)
    try:
        services.erasures.readmit(digest, record)
    except RowChanged as error:
        raise BadInput({"phone_number": [Text("client.not_erased")]}) from error


def _erase(services: Services, client: Client, author: Author) -> Erased:
    erasure = erasure_of_client(client.id, _digest(services, client.phone_number), services.clock.now())
    services.erasures.erase_client(client, erasure, author.record("client", client.id, None, None, ERASED))
    queue_erasures(services, [erasure], SECONDS_TO_SETTLE)
    return Erased(client.id, client.opted_out_at is not None)


def _erase_number(services: Services, phone_number: str, author: Author) -> Erased:
    """The stop is read before the transaction, which compares it."""
    stop = services.clients.stop_of(phone_number)
    erasure = erasure_of_phone(_digest(services, phone_number), services.clock.now())
    record = author.record(PHONE_SUBJECT, erasure.digest[:SHOWN_DIGITS], None, None, ERASED)
    services.erasures.erase_phone(phone_number, stop, erasure, record)
    queue_erasures(services, [erasure])
    return Erased(None, stop is not None or bool(services.clients.erased_among([phone_number])))


def queue_erasures(services: Services, erasures: list[Erasure], delay: int = 0) -> None:
    """`delay`: seconds until the jobs begin."""
    services.jobs_queue.send([EraseTraces(erasure.name) for erasure in erasures], [delay] * len(erasures))


def shown_digest(services: Services, phone_number: str) -> str:
    """The name of a phone number in the audit."""
    return _digest(services, phone_number)[:SHOWN_DIGITS]


def _digest(services: Services, phone_number: str) -> str:
    return phone_digest(services.phone_key.value(), phone_number)
