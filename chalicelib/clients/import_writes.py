"""Write the clients of an import's chunk in groups, each of them in one transaction with what belongs to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..access.audit import SERVICE_AUTHOR, author_of
from ..domain.audit_record import AuditRecord
from ..domain.client import Client
from ..domain.client_import import ClientImport, Tally
from ..domain.consent import consent_of, merge_consent, replaces_consent
from ..domain.import_decision import Decision, merge_attributes
from ..domain.import_undo import Trace, trace_of_change, trace_of_new
from ..domain.stop import BY_IMPORT, StopCause
from ..domain.walk import groups_of
from ..errors import Conflict, PhoneErased, PhoneTaken, RowChanged
from ..representation import represent_client
from ..retries import retry_lost_races
from .import_undo import keep_traces
from .registry import OPTED_OUT, queue_moved_clients

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..adapters.services import Services

NEW, NEW_STOPS = 33, 25
"""New clients in one transaction, of which DynamoDB allows a hundred items: each is a client, its phone number and the
condition that the number is not erased; if the file opts it out, an audit record too."""

CHANGED, STOPS = 50, 33
"""Changed clients in one transaction, and those with an audit record: each of these is a client and its record, and a
phone number if the file opts it out."""

FROM_A_FILE = StopCause(BY_IMPORT)

Change = tuple[Client, Client]
"""A client before and after its change."""


def write_clients(
    services: Services, threads: Executor, client_import: ClientImport, decision: Decision, ids: list[int]
) -> tuple[list[Client], Tally]:
    """Write the new clients with these ids, then the changes. Returns the new clients and corrections of the tally.

    A client that the file opts out, or whose recorded consent it changes, is written with an audit record.
    """
    services.labels.add_from([*decision.new, *(after for _, after in decision.changes)])
    new = _with_ids(services, decision, ids)
    plain = [client for client in new if client.phone_number not in decision.opted_out]
    stopped = [client for client in new if client.phone_number in decision.opted_out]
    add = partial(_add, services, client_import)
    corrections = sum(threads.map(partial(add, is_stop=False), groups_of(plain, NEW)), start=Tally())
    corrections += sum(threads.map(partial(add, is_stop=True), groups_of(stopped, NEW_STOPS)), start=Tally())
    queue_moved_clients(services, decision.changes)
    changes = [_given(client_import, *change) for change in decision.changes]
    others = [change for change in changes if not _is_recorded(change) and change[0] != change[1]]
    groups = [*groups_of(others, CHANGED), *groups_of(list(filter(_is_recorded, changes)), STOPS)]
    list(threads.map(partial(_change_group, services, client_import), groups))
    return new, corrections


def traces_of(services: Services, client_import: ClientImport, decision: Decision, ids: list[int]) -> list[Trace]:
    """What `write_clients` is about to do, for an undo."""
    changes = (_given(client_import, *change) for change in decision.changes)
    return [*map(trace_of_new, _with_ids(services, decision, ids)), *(trace_of_change(*change) for change in changes)]


def _with_ids(services: Services, decision: Decision, ids: list[int]) -> list[Client]:
    now = services.clock.now()
    numbered = zip(decision.new, ids, strict=False)
    return [replace(client, id=client_id, registered_at=now) for client, client_id in numbered]


def _is_stop(before: Client | None, after: Client) -> bool:
    return before is None or before.opted_out_at != after.opted_out_at


def _is_recorded(change: Change) -> bool:
    return _is_stop(*change) or replaces_consent(*change)


def _add(services: Services, client_import: ClientImport, clients: list[Client], is_stop: bool) -> Tally:
    """Write new clients in one transaction, or one by one after a conflict. Returns the correction of the tally.

    `is_stop`: the file opts the clients out.
    """
    stops = [(None, client) for client in clients if is_stop]
    try:
        services.clients.add_many(clients, _records(services, client_import, stops), FROM_A_FILE)
    except Conflict:
        add = partial(_add_one, services, client_import, is_stop=is_stop)
        return sum(map(add, clients), start=Tally())
    return Tally()


def _add_one(services: Services, client_import: ClientImport, client: Client, is_stop: bool) -> Tally:
    """`is_stop`: the file opts the client out."""

    def add(client: Client) -> Tally:
        try:
            records = _records(services, client_import, [(None, client)] if is_stop else [])
            services.clients.add(client, next(iter(records), None), FROM_A_FILE)
        except PhoneTaken:
            known = services.clients.find_by_phone(client.phone_number)
            if known is not None:
                return _change_known(services, client_import, known, client)
            stop = services.clients.stop_of(client.phone_number)
            if stop is None:  # the other client was deleted meanwhile
                raise RowChanged from None
            return add(replace(client, opted_out_at=stop))
        except PhoneErased:  # since the decision about the chunk
            return Tally(added=-1, refused=1)
        return Tally()

    return retry_lost_races(services.clock, lambda: add(client))


def _change_known(services: Services, client_import: ClientImport, known: Client, wanted: Client) -> Tally:
    """Change a client that another request registered after the decision. Returns the correction of the tally."""
    assert client_import.plan is not None
    is_own = known.id in client_import.plan.ids
    change = _given(client_import, known, replace(wanted, id=known.id))
    changed = change[0] != change[1]
    if changed:
        if client_import.is_traced and not is_own:
            keep_traces(services, client_import, [trace_of_change(*change)], is_repetition=True)
        queue_moved_clients(services, [change])
        _change(services, client_import, [change])
    return Tally() if is_own else Tally(added=-1, changed=int(changed), unchanged=int(not changed))


def _given(client_import: ClientImport, before: Client, wanted: Client) -> Change:
    """A change of the fields that the file has columns for; others may change the rest."""
    given: dict[str, Any] = {name: getattr(wanted, name) for name in client_import.given_fields}
    if client_import.gives_stops:
        given["opted_out_at"] = before.opted_out_at or wanted.opted_out_at
    given |= merge_consent(before, consent_of(wanted))
    attributes = merge_attributes(before.attributes, client_import.given_attributes, wanted.attributes)
    return before, replace(before, **given, attributes=attributes)


def _change_group(services: Services, client_import: ClientImport, changes: list[Change]) -> None:
    """Write changes in one transaction, or one by one after a conflict.

    Raises RowChanged at the end if another writer changed a client: the job is repeated, and the chunk decided again.
    """
    try:
        _change(services, client_import, changes)
    except Conflict:
        conflicts = [error for change in changes if (error := _conflict_of(services, client_import, change))]
        if conflicts:
            raise conflicts[0] from None


def _conflict_of(services: Services, client_import: ClientImport, change: Change) -> Conflict | None:
    try:
        _change(services, client_import, [change])
    except Conflict as error:
        return error
    return None


def _change(services: Services, client_import: ClientImport, changes: list[Change]) -> None:
    recorded = filter(_is_recorded, changes)
    services.clients.change_many(changes, _records(services, client_import, recorded), FROM_A_FILE)


def _records(
    services: Services, client_import: ClientImport, changes: Iterable[tuple[Client | None, Client]]
) -> list[AuditRecord]:
    """The audit records of opt-outs and of changed consents."""
    author = author_of(services, client_import.author or SERVICE_AUTHOR)
    records = []
    for number, (before, after) in enumerate(changes):
        shown = represent_client(before) if before else None
        action = OPTED_OUT if _is_stop(before, after) else ""
        records.append(author.numbered(number).record("client", after.id, shown, represent_client(after), action))
    return records
