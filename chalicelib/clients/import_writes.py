"""Write the clients of an import's chunk: new ones in groups, changed and opted-out ones one by one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..access.audit import SERVICE_AUTHOR, author_of
from ..domain.audit_record import AuditRecord
from ..domain.client import Client
from ..domain.client_import import ClientImport, Decision, Tally, merge_attributes
from ..errors import Conflict, PhoneTaken, RowChanged
from ..representation import represent_client
from ..retries import retry_lost_races
from .registry import OPTED_OUT, queue_moved_clients

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from ..adapters.services import Services

GROUP = 50
"""New clients in one transaction: each is two items, and DynamoDB allows a hundred."""


def write_clients(
    services: Services, threads: Executor, client_import: ClientImport, decision: Decision, ids: list[int]
) -> tuple[list[Client], Tally]:
    """Write the new clients with these ids, then the changes. Returns the new clients and corrections of the tally.

    A client that the file opts out is written with an audit record.
    """
    services.labels.add_from([*decision.new, *(after for _, after in decision.changes)])
    new = [replace(client, id=client_id) for client, client_id in zip(decision.new, ids, strict=False)]
    plain = [client for client in new if client.phone_number not in decision.opted_out]
    stopped = [client for client in new if client.phone_number in decision.opted_out]
    groups = [plain[start : start + GROUP] for start in range(0, len(plain), GROUP)]
    corrections = sum(threads.map(partial(_add, services, client_import), groups), start=Tally())
    corrections += sum(threads.map(partial(_add_one, services, client_import), stopped), start=Tally())
    queue_moved_clients(services, decision.changes)
    list(threads.map(partial(_change, services, client_import), decision.changes))
    return new, corrections


def _add(services: Services, client_import: ClientImport, clients: list[Client]) -> Tally:
    """Write new clients in one transaction, or one by one after a conflict. Returns the correction of the tally."""
    try:
        services.clients.add_many(clients)
    except Conflict:
        add = partial(_add_one, services, client_import, is_stop=False)
        return sum(map(add, clients), start=Tally())
    return Tally()


def _add_one(services: Services, client_import: ClientImport, client: Client, is_stop: bool = True) -> Tally:
    """`is_stop`: the file opts the client out."""

    def add(client: Client) -> Tally:
        try:
            services.clients.add(client, _opt_out(services, client_import, None, client) if is_stop else None)
        except PhoneTaken:
            known = services.clients.find_by_phone(client.phone_number)
            if known is not None:
                return _change_known(services, client_import, known, client)
            stop = services.clients.stop_of(client.phone_number)
            if stop is None:  # the other client was deleted meanwhile
                raise RowChanged from None
            return add(replace(client, opted_out_at=stop))
        return Tally()

    return retry_lost_races(services.clock, lambda: add(client))


def _change_known(services: Services, client_import: ClientImport, known: Client, wanted: Client) -> Tally:
    """Change a client that another request registered after the decision. Returns the correction of the tally."""
    assert client_import.plan is not None
    changed = _change(services, client_import, (known, replace(wanted, id=known.id)))
    if known.id in client_import.plan.ids:
        return Tally()
    return Tally(added=-1, changed=int(changed), unchanged=int(not changed))


def _change(services: Services, client_import: ClientImport, change: tuple[Client, Client]) -> bool:
    """Write the fields that the file has columns for; others may change the rest. Returns whether anything differed.

    Raises RowChanged if another writer changed the client.
    """
    before, wanted = change
    given: dict[str, Any] = {name: getattr(wanted, name) for name in client_import.given_fields}
    if client_import.gives_stops:
        given["opted_out_at"] = before.opted_out_at or wanted.opted_out_at
    attributes = merge_attributes(before.attributes, client_import.given_attributes, wanted.attributes)
    after = replace(before, **given, attributes=attributes)
    if after == before:
        return False
    is_stop = after.opted_out_at != before.opted_out_at
    record = _opt_out(services, client_import, before, after) if is_stop else None
    services.clients.change(before, after, record)  # after RowChanged the job is repeated: the chunk is decided again
    return True


def _opt_out(services: Services, client_import: ClientImport, before: Client | None, after: Client) -> AuditRecord:
    author = author_of(services, client_import.author or SERVICE_AUTHOR)
    shown = represent_client(before) if before else None
    return author.record("client", after.id, shown, represent_client(after), OPTED_OUT)
