"""Statistics over HTTP."""

from __future__ import annotations

from chalice.app import Response

from ..domain.mailing import Mailing
from ..http.calls import Call
from ..http.filters import read_message_status
from ..http.paging import answer_page, cursor_place, read_page
from ..mailings import lifecycle, stats
from ..representation import represent_counts, represent_mailing, represent_message, represent_moment


def list_(call: Call) -> Response:
    page = read_page(call.query, numbers=1)
    found, below = lifecycle.list_mailings(call.services, page.place[0] if page.place else None, page.limit)
    number, counts = stats.totals(call.services)
    results = [{**represent_mailing(mailing), "messages": represent_counts(mailing.counts)} for mailing in found]
    place = None if below is None else (below,)
    totals = {"mailings": number, "messages": counts.total, **counts.with_receipts()}
    dead_letters = call.services.dead_letters.size()
    return Response(
        {"totals": totals, "dead_letters": dead_letters, **answer_page(call.url, call.query, page, place, results)}
    )


def read(call: Call, mailing_id: int) -> Response:
    page = read_page(call.query, numbers=2)
    status = read_message_status(call.query.get("status"))
    mailing = lifecycle.get_mailing(call.services, mailing_id)
    found, cursor = stats.list_messages(call.services, mailing, status, page.cursor, page.limit)
    listed = answer_page(call.url, call.query, page, cursor_place(cursor), [represent_message(m) for m in found])
    return Response(
        {**represent_mailing(mailing), **_shown_end(mailing), "messages": represent_counts(mailing.counts), **listed}
    )


def _shown_end(mailing: Mailing) -> dict[str, object]:
    """When the last post began, and when everybody had a final status: beside datetime_end, proof of what left when.

    And what it then has cost at AWS, in US dollars.
    """
    return {
        "last_post_at": represent_moment(mailing.last_post_at),
        "ended_at": represent_moment(mailing.ended_at),
        "cost_estimate": stats.cost_estimate(mailing),
    }
