"""Statistics over HTTP."""

from __future__ import annotations

from chalice.app import Response

from .. import mailings, stats
from ..domain.mailing import Counts, Mailing
from ..domain.message import STATUSES, Message
from ..domain.record import shown_moment
from ..errors import BadInput
from ..mailings import shown as shown_mailing
from .calls import Call
from .paging import answer_page, cursor_place, read_page


def list_(call: Call) -> Response:
    page = read_page(call.query, numbers=1)
    found, below = mailings.list_mailings(call.outside, page.place[0] if page.place else None, page.limit)
    number, counts = stats.totals(call.outside)
    results = [{**shown_mailing(mailing), "messages": shown_counts(mailing.counts)} for mailing in found]
    place = None if below is None else (below,)
    totals = {"mailings": number, "messages": counts.total, **counts.with_receipts()}
    dead_letters = call.outside.dead_letters.size()
    return Response(
        {"totals": totals, "dead_letters": dead_letters, **answer_page(call.url, call.query, page, place, results)}
    )


def read(call: Call, mailing_id: int) -> Response:
    page = read_page(call.query, numbers=2)
    status = read_status(call.query.get("status"))
    mailing = mailings.get_mailing(call.outside, mailing_id)
    found, cursor = stats.list_messages(call.outside, mailing, status, page.cursor, page.limit)
    listed = answer_page(call.url, call.query, page, cursor_place(cursor), [shown_message(m) for m in found])
    return Response(
        {**shown_mailing(mailing), **_shown_end(mailing), "messages": shown_counts(mailing.counts), **listed}
    )


def _shown_end(mailing: Mailing) -> dict[str, object]:
    """When the last post began, and when everybody had a final status: beside datetime_end, proof of what left when.

    And what it then has cost at AWS, in US dollars.
    """
    return {
        "last_post_at": shown_moment(mailing.last_post_at),
        "ended_at": shown_moment(mailing.ended_at),
        "cost_estimate": stats.cost_estimate(mailing),
    }


def shown_counts(counts: Counts) -> dict[str, int]:
    """Those without `delivered` and `undelivered`, which are among the `sent`, add up to the total."""
    return {"total": counts.total, **counts.with_receipts()}


def shown_message(message: Message) -> dict[str, object]:
    return {
        "id": message.id,
        "mailing_id": message.mailing_id,
        "client_id": message.client_id,
        "status": message.status,
        "created_at": shown_moment(message.created_at),
        "sent_at": shown_moment(message.sent_at),
        "attempts": message.attempts,
        "last_error": message.last_error,
        "reported_at": shown_moment(message.reported_at),
    }


def read_status(sent: str | None) -> str | None:
    """A message's status to filter by; nothing sent is no filter."""
    if not sent:
        return None
    if sent not in STATUSES:
        raise BadInput({"status": [f'"{sent[:32]}" is not a valid choice: one of {", ".join(STATUSES)} is expected.']})
    return sent
