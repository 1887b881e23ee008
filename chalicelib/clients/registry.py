"""Register, change and delete clients, and keep the stop list: phone numbers that nothing is sent to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..domain.audit_record import AuditRecord, Author
from ..domain.client import CLIENT_ID, Client
from ..domain.consent import CONSENT_FIELDS, consent_errors, consent_of
from ..domain.field_versions import Shown
from ..domain.jobs import FollowMovedClients
from ..domain.stop import MOVE_CAUSE, UNKNOWN_CAUSE, StopCause
from ..errors import BadInput, NotFound, PhoneErased, PhoneTaken
from ..logs import add_log_keys
from ..representation import represent_client
from ..retries import retry_lost_races
from ..texts import Text

if TYPE_CHECKING:
    from ..adapters.services import Services

OPTED_OUT, OPTED_IN = "opted out", "opted in"
CONSENT_WITHDRAWN = "consent withdrawn"
SECONDS_TO_WRITE = 30
"""Longer than the write of a change or of an import's chunk takes."""


ClientFields = Mapping[str, Any]
"""The fields of a client that a request sets, checked one by one. An absent field keeps its value."""


def new_client_id(services: Services) -> int:
    return services.counters.next_id(CLIENT_ID)


def register_client(
    services: Services, fields: ClientFields, client_id: int | None = None, author: Author | None = None
) -> Client:
    """Reserve an id, then write the client and its phone number in one transaction. Raises BadInput for a taken number.

    `client_id`: the id that an earlier try of the same request reserved. That try may have made the client.
    `author`: for the audit record; without it none is written.
    """
    _require_consent_fields(services, Client(0, **fields))
    made = Client(client_id or new_client_id(services), fields["phone_number"], registered_at=services.clock.now())
    wanted = replace(made, **fields)

    def add(client: Client) -> Client:
        record = author.record("client", client.id, None, represent_client(client)) if author else None
        try:
            services.clients.add(client, record)
        except PhoneTaken as taken:
            known = services.clients.get(client.id) if client_id else None
            if known is None:
                return add(replace(client, opted_out_at=_stop_of(services, client, taken)))
            client = known
        except PhoneErased as erased:
            raise BadInput({"phone_number": [Text("client.phone_erased")]}) from erased
        services.labels.add_from([client])
        add_log_keys(client_id=client.id)
        return client

    return retry_lost_races(services.clock, lambda: add(wanted))


def get_client(services: Services, client_id: int) -> Client:
    client = services.clients.get(client_id)
    if client is None:
        raise NotFound
    return client


def change_client(
    services: Services,
    client_id: int,
    fields: ClientFields,
    author: Author | None = None,
    shown: Shown | None = None,
) -> Client:
    """Raises Outdated if the client is no longer as `shown` and the change would overwrite that."""

    def decide(client: Client) -> Client:
        after = replace(client, **fields)
        if not fields.keys().isdisjoint(CONSENT_FIELDS):
            _require_consent_fields(services, after)
        if shown is not None and after != client:
            shown.require_unchanged(represent_client(client))
        return after

    return _change(services, client_id, decide, author)


def opt_out_client(
    services: Services, client_id: int, author: Author | None = None, cause: StopCause = UNKNOWN_CAUSE
) -> Client:
    """Put the client and the phone number on the stop list, until it opts in. Posts end within two seconds."""
    now = services.clock.now()

    def decide(client: Client) -> Client:
        return replace(client, opted_out_at=client.opted_out_at or now)

    return _change(services, client_id, decide, author, OPTED_OUT, cause)


def opt_out_number(
    services: Services,
    client_id: int,
    phone_number: str,
    author: Author,
    cause: StopCause = UNKNOWN_CAUSE,
    at: datetime | None = None,
) -> Client:
    """Put the client on the stop list as `opt_out_client` does, unless it has another phone number by now.

    `at`: since when; by default now. Raises NotFound if the client was deleted.
    """
    since = at or services.clock.now()

    def decide(client: Client) -> Client:
        is_other = client.phone_number != phone_number
        return client if is_other else replace(client, opted_out_at=client.opted_out_at or since)

    return _change(services, client_id, decide, author, OPTED_OUT, cause)


def opt_in_client(services: Services, client_id: int, author: Author | None = None) -> Client:
    """Remove the client from the stop list, for later mailings. Cancelled messages stay cancelled."""
    return _change(services, client_id, lambda client: replace(client, opted_out_at=None), author, OPTED_IN)


def withdraw_consent(services: Services, client_id: int, author: Author | None = None) -> Client:
    """End the consent to marketing, and keep its record. Posts that need it end within two seconds.

    Without a consent the withdrawal is recorded too: an older consent of a file does not count then.
    """
    now = services.clock.now().replace(microsecond=0)

    def decide(client: Client) -> Client:
        is_withdrawn = client.consent is None and client.consent_withdrawn_at is not None
        return client if is_withdrawn else replace(client, consent_withdrawn_at=max(now, client.consent_at or now))

    return _change(services, client_id, decide, author, CONSENT_WITHDRAWN)


def opt_in_number(services: Services, client_id: int, phone_number: str, author: Author) -> Client:
    """Opt in the client, unless it has another phone number by now. Raises NotFound if the client was deleted."""

    def decide(client: Client) -> Client:
        return client if client.phone_number != phone_number else replace(client, opted_out_at=None)

    return _change(services, client_id, decide, author, OPTED_IN)


def queue_moved_clients(services: Services, changes: Sequence[tuple[Client, Client]]) -> None:
    """Queue a job that updates the waiting messages of the clients with a changed time zone.

    The job is queued before the change is written, with a delay until after it. If the process died between a write
    and a later queueing, a repetition would find no change and queue no job.
    """
    moved = [after.id for before, after in changes if after.timezone != before.timezone]
    if moved:
        services.jobs_queue.send([FollowMovedClients(tuple(moved))], [SECONDS_TO_WRITE])


def delete_client(services: Services, client_id: int, author: Author | None = None, shown: Shown | None = None) -> None:
    """Delete the client and free the phone number. The sender cancels the queued messages.

    An opted-out phone number stays on the stop list: another client with this number is opted out from the start.
    Raises Outdated if the client is no longer as `shown`.
    """

    def attempt() -> None:
        client = get_client(services, client_id)
        if shown is not None:
            shown.require_unchanged(represent_client(client))
        record = author.record("client", client_id, represent_client(client), None) if author else None
        services.clients.remove(client, record)

    retry_lost_races(services.clock, attempt)


def _change(
    services: Services,
    client_id: int,
    decide: Callable[[Client], Client],
    author: Author | None,
    action: str = "",
    cause: StopCause = MOVE_CAUSE,
) -> Client:
    """Write the client that `decide` returns. A new phone number on the stop list opts the client out.

    `action`: opted out or in, which changes no label. `cause`: of the stop that a new or the same number gets.
    """

    def attempt(stop: datetime | None = None) -> Client:
        before = get_client(services, client_id)
        wanted = decide(before)
        after = replace(wanted, opted_out_at=wanted.opted_out_at or stop)
        if after == before:
            if not action:  # an earlier try may have written the client and not its labels
                services.labels.add_from([after])
            return before
        record = record_of_change(author, before, after, cause, action) if author else None
        queue_moved_clients(services, [(before, after)])
        try:
            services.clients.change(before, after, record, cause)
        except PhoneTaken as taken:
            return attempt(_stop_of(services, after, taken))
        except PhoneErased as erased:
            raise BadInput({"phone_number": [Text("client.phone_erased")]}) from erased
        if not action:
            services.labels.add_from([after])
        return after

    return retry_lost_races(services.clock, attempt)


def record_of_change(author: Author, before: Client, after: Client, cause: StopCause, action: str = "") -> AuditRecord:
    """With the reason of the stop, if it has one."""
    reason = {"reason": cause.reason} if cause.reason else {}
    return author.record("client", after.id, represent_client(before), {**represent_client(after), **reason}, action)


def _require_consent_fields(services: Services, client: Client) -> None:
    if errors := consent_errors(consent_of(client), services.clock.now()):
        raise BadInput(errors)


def _stop_of(services: Services, client: Client, taken: PhoneTaken) -> datetime:
    """Since when the client's phone number is on the stop list. Raises BadInput if another client has the number."""
    stop = services.clients.stop_of(client.phone_number)
    if stop is None or client.opted_out_at is not None:
        raise BadInput({"phone_number": [Text("client.phone_taken")]}) from taken
    return stop
