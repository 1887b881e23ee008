"""Choose clients by a filter whose condition may ask which clients received other mailings.

Only the clients that the rest of the condition does not decide are looked up: by the keys of their messages, a hundred
in a call, one read unit for each client and named mailing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from ..domain.audience import NamedMailing, Plan, plan_audience
from ..domain.client import CLIENT_ID, Client
from ..domain.filter import AudienceMember, Filter
from ..domain.message import MessageKey
from ..logs import log

if TYPE_CHECKING:
    from ..adapters.services import Services

C = TypeVar("C", Client, AudienceMember)


def plan_now(services: Services, chosen: Filter) -> Plan:
    """How the clients that the filter chooses now are read."""
    plan = plan_audience(chosen, services.counters.last_id(CLIENT_ID))
    return plan.naming(find_named(services, chosen))


def find_named(services: Services, chosen: Filter) -> tuple[NamedMailing, ...] | None:
    """The mailings that the condition names, as far as they have started or are deleted; None without a condition.

    No client has received a mailing that has not started.
    """
    if not chosen.has_condition:
        return None
    found, outlines = [], services.mailings.outlines(chosen.named_mailings)
    for mailing_id in chosen.named_mailings:
        mailing = outlines.get(mailing_id)
        if mailing is None:
            log.warning("named mailing is deleted", extra={"named_mailing_id": mailing_id})
            found.append(NamedMailing(mailing_id))
        elif mailing.plan is not None:
            found.append(NamedMailing(mailing_id, mailing.plan.shards, mailing.plan.last_client_id))
    return tuple(found)


def choose(services: Services, chosen: Filter, named: Sequence[NamedMailing] | None, clients: Sequence[C]) -> list[C]:
    """The clients that the filter chooses, in their order. Raises NotRead.

    If a named mailing is deleted, only clients that the rest of the condition decides are chosen: clients that are left
    out can get another mailing, and a second message to the recipients of the deleted one cannot be taken back.
    """
    if not chosen.has_condition:
        return [client for client in clients if chosen.chooses(client)]
    decisions = [(client, chosen.decide(client, None)) for client in clients]
    if any(mailing.is_deleted for mailing in named or ()):
        return [client for client, decision in decisions if decision]
    received = _received(services, named or (), [client.id for client, decision in decisions if decision is None])
    return [
        client
        for client, decision in decisions
        if (chosen.chooses(client, received[client.id]) if decision is None else decision)
    ]


def _received(services: Services, named: Sequence[NamedMailing], client_ids: Sequence[int]) -> dict[int, set[int]]:
    """The mailings that each client received, by client id."""
    found: dict[int, set[int]] = {client_id: set() for client_id in client_ids}
    for mailing in named:
        with_message = [client_id for client_id in client_ids if client_id <= mailing.last_client_id]
        keys = [MessageKey(mailing.id, client_id, mailing.shards) for client_id in with_message]
        for client_id in services.messages.received(keys) if keys else ():
            found[client_id].add(mailing.id)
    return found
