"""The stop list by phone number, whether or not a client has the number. Clients opt out in `registry.py`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ..domain.audit_record import AuditRecord, Author
from ..domain.client import PHONE
from ..domain.stop import FIRST_POSITION, Position, Stop, StopCause
from ..errors import BadInput, NotFound, PhoneErased, RowChanged
from ..representation import represent_stop
from ..retries import retry_lost_races
from ..texts import Text
from .erasure import PHONE_SUBJECT, shown_digest
from .registry import OPTED_IN, OPTED_OUT, opt_in_number, opt_out_number

if TYPE_CHECKING:
    from ..adapters.services import Services


def stop_number(
    services: Services, phone_number: str, cause: StopCause, author: Author, at: datetime | None = None
) -> tuple[Stop, bool]:
    """Put the number on the stop list, and opt out the client that has it. Returns the stop, and whether it is new.

    A stop that exists stays as it is. `at`: since when; by default now. Raises BadInput for a number that was erased.
    """
    since = at or services.clock.now()

    def attempt() -> tuple[Stop, bool]:
        known = services.stop_list.get(phone_number)
        if known is not None:
            return known, False
        client = services.clients.find_by_phone(phone_number)
        if client is None:
            stop = Stop(phone_number, since, cause.source, cause.reason)
            services.stop_list.add(stop, record_of_stop(services, author, stop))
            return stop, True
        try:
            after = opt_out_number(services, client.id, phone_number, author, cause, since)
        except NotFound as error:
            raise RowChanged from error
        if after.phone_number != phone_number or after.opted_out_at is None:
            raise RowChanged
        return Stop(phone_number, after.opted_out_at, cause.source, cause.reason, client.id), True

    try:
        return retry_lost_races(services.clock, attempt)
    except PhoneErased as error:
        raise BadInput({"phone_number": [Text("client.phone_erased")]}) from error


def resume_number(services: Services, phone_number: str, author: Author) -> None:
    """Take the number off the stop list, and opt in the client that has it. Raises NotFound if it is not there."""

    def attempt() -> None:
        stop = get_stop(services, phone_number)
        if stop.client_id is None:
            before = represent_stop(stop)
            record = author.record(PHONE_SUBJECT, shown_digest(services, phone_number), before, None, OPTED_IN)
            services.stop_list.remove(stop, record)
            return
        try:
            client = opt_in_number(services, stop.client_id, phone_number, author)
        except NotFound as error:
            raise RowChanged from error
        if client.phone_number != phone_number:
            raise RowChanged

    retry_lost_races(services.clock, attempt)


def get_stop(services: Services, phone_number: str) -> Stop:
    """Raises NotFound if the number is not on the list. The list has no numbers of erased people."""
    stop = services.stop_list.get(phone_number) if PHONE.fullmatch(phone_number) else None
    if stop is None:
        raise NotFound
    return stop


def list_stops(services: Services, after: Position | None, limit: int) -> tuple[list[Stop], Position | None]:
    """A page, in the order of the table and not of time, and the position of the next page; None at the end.

    `after`: a position; the list begins at None and at FIRST_POSITION.
    """
    found = services.stop_list.read(None if after == FIRST_POSITION else after, limit + 1)
    return found[:limit], found[limit - 1].position if len(found) > limit else None


def record_of_stop(services: Services, author: Author, stop: Stop) -> AuditRecord:
    """Of a number without a client that comes onto the list."""
    name = shown_digest(services, stop.phone_number)
    return author.record(PHONE_SUBJECT, name, None, represent_stop(stop), OPTED_OUT)
