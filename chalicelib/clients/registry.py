"""Register, change and forget clients; and the stop list: who opted out is sent nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..domain.audience import Partition, block_partitions, label_partitions
from ..domain.audit_record import Author
from ..domain.client import CLIENT_ID, MAX_CLIENT_ID, MAX_LABEL, PHONE, Client
from ..domain.jobs import FollowMovedClients
from ..domain.walk import Cursor, walk
from ..errors import BadInput, NotFound, PhoneTaken
from ..logs import add_log_keys
from ..representation import represent_client
from ..retries import retry_lost_races
from ..texts import Text

if TYPE_CHECKING:
    from ..adapters.services import Services

OPTED_OUT, OPTED_IN = "opted out", "opted in"
SECONDS_TO_WRITE = 30
"""More than it takes to write a change, or a chunk of an import."""


@dataclass(frozen=True)
class ClientFilter:
    """Which clients a list is to show; None means any."""

    tag: str | None = None
    operator_code: str | None = None
    phone_number: str | None = None

    @property
    def finds_nobody(self) -> bool:
        """A label or a phone number that no client can have; as a key it may be longer than a table takes."""
        return any(value is not None and len(value) > MAX_LABEL for value in (self.tag, self.operator_code)) or (
            self.phone_number is not None and not PHONE.fullmatch(self.phone_number)
        )

    def keeps(self, client: Client) -> bool:
        return self.tag in (None, client.tag) and self.operator_code in (None, client.operator_code)


ClientFields = Mapping[str, Any]
"""What a person decides about a client, checked field by field; a field that is absent stays as it was."""


def new_client_id(services: Services) -> int:
    return services.counters.next_id(CLIENT_ID)


def register_client(
    services: Services, fields: ClientFields, client_id: int | None = None, author: Author | None = None
) -> Client:
    """Two calls: an id, and the client with its phone number in one transaction.

    `author`: whose change is to be recorded. `client_id`: reserved before, by an earlier try of the same request,
    which may have made the client.
    """
    wanted = replace(Client(client_id or new_client_id(services), fields["phone_number"]), **fields)

    def add(client: Client) -> Client:
        record = author.record("client", client.id, None, represent_client(client)) if author else None
        try:
            services.clients.add(client, record)
        except PhoneTaken as taken:
            known = services.clients.get(client.id) if client_id else None
            return known or add(replace(client, opted_out_at=_stop_of(services, client, taken)))
        services.labels.add_from([client])
        add_log_keys(client_id=client.id)
        return client

    return retry_lost_races(services.clock, lambda: add(wanted))


def get_client(services: Services, client_id: int) -> Client:
    client = services.clients.get(client_id)
    if client is None:
        raise NotFound
    return client


def change_client(services: Services, client_id: int, fields: ClientFields, author: Author | None = None) -> Client:
    return _change(services, client_id, lambda client: replace(client, **fields), author)


def opt_out_client(services: Services, client_id: int, author: Author | None = None) -> Client:
    """Within two seconds nothing is posted to this client any more, nor ever to this phone number, until it opts in."""
    now = services.clock.now()
    return _change(
        services, client_id, lambda client: replace(client, opted_out_at=client.opted_out_at or now), author, OPTED_OUT
    )


def opt_in_client(services: Services, client_id: int, author: Author | None = None) -> Client:
    """For mailings to come: messages that were cancelled stay so."""
    return _change(services, client_id, lambda client: replace(client, opted_out_at=None), author, OPTED_IN)


def announce_moves(services: Services, changes: Sequence[tuple[Client, Client]]) -> None:
    """Who will live by another clock: mailings with local hours are to look again at what waits for them.

    Said before it is written, and heard after: dead between the two, whoever does it again would find nothing to say.
    """
    moving = [after.id for before, after in changes if after.timezone != before.timezone]
    if moving:
        services.jobs_queue.send([FollowMovedClients(tuple(moving))], [SECONDS_TO_WRITE])


def forget_client(services: Services, client_id: int, author: Author | None = None) -> None:
    """The phone number is free at once; messages still queued are cancelled when their turn comes.

    Who opted out stays on the stop list: another client with this number is opted out from the start.
    """

    def attempt() -> None:
        client = get_client(services, client_id)
        record = author.record("client", client_id, represent_client(client), None) if author else None
        services.clients.remove(client, record)

    retry_lost_races(services.clock, attempt)


def list_clients(
    services: Services, wanted: ClientFilter, cursor: Cursor, limit: int
) -> tuple[list[Client], Cursor | None]:
    """A page in the order of ids, or, by a label, in the order of its shards and ids."""
    if wanted.finds_nobody:
        return [], None
    if wanted.phone_number is not None:
        client = services.clients.find_by_phone(wanted.phone_number)
        return [client] if client and wanted.keeps(client) else [], None
    partitions = _partitions(services, wanted)
    return walk(
        read=lambda index, after, size: services.clients.read(partitions[index], after, MAX_CLIENT_ID, size),
        key=lambda client: client.id,
        partitions=len(partitions),
        cursor=cursor,
        limit=limit,
        keep=wanted.keeps,
    )


def _change(
    services: Services, client_id: int, decide: Callable[[Client], Client], author: Author | None, action: str = ""
) -> Client:
    """Save what is decided about the client as it is now; a number on the stop list brings its stop."""

    def attempt(stop: datetime | None = None) -> Client:
        before = get_client(services, client_id)
        wanted = decide(before)
        after = replace(wanted, opted_out_at=wanted.opted_out_at or stop)
        if after == before:
            return before
        shown = represent_client(before), represent_client(after)
        record = author.record("client", client_id, *shown, action) if author else None
        announce_moves(services, [(before, after)])
        try:
            services.clients.change(before, after, record)
        except PhoneTaken as taken:
            return attempt(_stop_of(services, after, taken))
        services.labels.add_from([after])
        return after

    return retry_lost_races(services.clock, attempt)


def _stop_of(services: Services, client: Client, taken: PhoneTaken) -> datetime:
    """The stop that the client's phone number brings; BadInput when the number is simply another client's."""
    stop = services.clients.stop_of(client.phone_number)
    if stop is None or client.opted_out_at is not None:
        raise BadInput({"phone_number": [Text("client.phone_taken")]}) from taken
    return stop


def _partitions(services: Services, wanted: ClientFilter) -> list[Partition]:
    if wanted.tag is not None:
        return label_partitions("tag", wanted.tag)
    if wanted.operator_code is not None:
        return label_partitions("operator_code", wanted.operator_code)
    return block_partitions(services.counters.last_id(CLIENT_ID))
