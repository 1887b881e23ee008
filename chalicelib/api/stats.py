"""`/Stats/`: counts of all mailings, and one mailing with its messages."""

from __future__ import annotations

from chalice.app import Response

from ..delivery.balances import known_balances
from ..domain.counts import Counts
from ..domain.mailing import Mailing
from ..http.calls import Call
from ..http.filters import read_message_status
from ..http.paging import Listed, answer_page, position_at, position_of, read_page
from ..mailings import lifecycle, stats
from ..mailings.listing import list_mailings
from ..representation import (
    represent_balance,
    represent_counts,
    represent_mailing,
    represent_message,
    represent_moment,
    represent_spending,
)


def list_(call: Call) -> Response:
    page, has_time = read_page(call.query, numbers=1), call.has_time

    def read(limit: int) -> Listed:
        found, next_before_id = list_mailings(call.services, page.number, limit, has_time)
        rows = [{**represent_mailing(mailing), **_represent_counts(call, mailing.counts)} for mailing in found]
        return rows, position_at(next_before_id)

    with call.services.thread_pool(3) as threads:  # chains of calls, of which none needs another
        totals, dead_letters = threads.submit(_totals, call), threads.submit(call.services.dead_letters.size)
        balances = threads.submit(known_balances, call.services)
        listed = answer_page(call.url, call.query, page, read)
    shown = [represent_balance(balance) for balance in balances.result()]
    return Response({"totals": totals.result(), "dead_letters": dead_letters.result(), "balances": shown, **listed})


def read(call: Call, mailing_id: int) -> Response:
    page, has_time = read_page(call.query, numbers=2), call.has_time
    status = read_message_status(call.query.get("status"))
    mailing = lifecycle.get_mailing(call.services, mailing_id)

    def read_messages(limit: int) -> Listed:
        found, cursor = stats.list_messages(call.services, mailing, status, page.cursor, limit, has_time)
        return [represent_message(message) for message in found], position_of(cursor)

    listed = answer_page(call.url, call.query, page, read_messages)
    counts = _represent_counts(call, mailing.counts)
    return Response({**represent_mailing(mailing), **_represent_end(mailing), **counts, **listed})


def _totals(call: Call) -> dict[str, object]:
    number, counts = stats.totals(call.services)
    return {"mailings": number, "messages": counts.total, **counts.with_receipts(), **_represent_spending(call, counts)}


def _represent_counts(call: Call, counts: Counts) -> dict[str, object]:
    return {**_represent_spending(call, counts), "messages": represent_counts(counts)}


def _represent_spending(call: Call, counts: Counts) -> dict[str, object]:
    settings = call.services.settings
    return represent_spending(counts, settings.price_by_gateway is not None, settings.gateway_currency)


def _represent_end(mailing: Mailing) -> dict[str, object]:
    """The start of the last post and the time of the last final status, to compare with datetime_end.

    The cost estimate is in US dollars.
    """
    return {
        "last_post_at": represent_moment(mailing.last_post_at),
        "ended_at": represent_moment(mailing.ended_at),
        "cost_estimate": stats.cost_estimate(mailing),
    }
