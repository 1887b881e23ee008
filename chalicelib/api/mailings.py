"""`/Mailing/`: list, announce, read, change and delete mailings; pause, resume, cancel and resend."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from chalice.app import Response

from ..domain.mailing import Mailing
from ..domain.mailing_fields import MailingFields
from ..errors import ReadFirst
from ..fields import MAILING, MAILING_READ_ONLY, RESEND
from ..http.calls import Call
from ..http.filters import read_mailing_filter
from ..http.paging import Listed, answer_page, position_at, read_page
from ..mailings import lifecycle
from ..mailings.listing import list_mailings
from ..mailings.placeholders import placeholder_warnings
from ..mailings.warnings import approval_warnings, warnings_of
from ..representation import represent_mailing, represent_warnings
from ..rules import read_fields
from .etags import answer_changed, answer_read, if_match, with_etag
from .idempotency import answer_idempotently, take_step

FILTERS = {"filter_tag", "filter_op_codes", "filter", "segment"}


def list_(call: Call) -> Response:
    page, has_time = read_page(call.query, numbers=1), call.has_time
    wanted = read_mailing_filter(call.query)

    def read(limit: int) -> Listed:
        found, next_before_id = list_mailings(call.services, page.number, limit, has_time, wanted)
        return [represent_mailing(mailing) for mailing in found], position_at(next_before_id)

    return Response(answer_page(call.url, call.query, page, read))


def create(call: Call) -> Response:
    fields = _read(call, partial=False)

    def announce(reserved_id: int | None) -> Response:
        mailing = lifecycle.announce_mailing(call.services, fields, reserved_id, call.author)
        return Response(_with_warnings(call, mailing), status_code=201)

    return with_etag(
        answer_idempotently(call, announce, new_id=lambda: lifecycle.new_mailing_id(call.services, fields))
    )


def read(call: Call, mailing_id: int) -> Response:
    return answer_read(call, represent_mailing(lifecycle.get_mailing(call.services, mailing_id)))


def change(call: Call, mailing_id: int, partial: bool) -> Response:
    fields = _read(call, partial)
    with if_match(call) as shown:
        mailing = lifecycle.change_mailing(call.services, mailing_id, fields, call.author, shown)
    return answer_changed(_with_warnings(call, mailing, fields.keys()), partial)


def delete(call: Call, mailing_id: int) -> Response:
    with if_match(call) as shown:
        lifecycle.delete_mailing(call.services, mailing_id, call.author, shown)
    return Response("", status_code=204)


def pause(call: Call, mailing_id: int) -> Response:
    return take_step(call, lambda _: lifecycle.pause_mailing(call.services, mailing_id, call.author), represent_mailing)


def resume(call: Call, mailing_id: int) -> Response:
    return take_step(
        call, lambda _: lifecycle.resume_mailing(call.services, mailing_id, call.author), represent_mailing
    )


def cancel(call: Call, mailing_id: int) -> Response:
    return take_step(
        call, lambda _: lifecycle.cancel_mailing(call.services, mailing_id, call.author), represent_mailing
    )


def approve(call: Call, mailing_id: int) -> Response:
    """Of what the caller has read: without If-Match it would approve what it has not seen."""
    read_fields(call.body(), {}, set(), partial=False)
    with if_match(call) as shown:
        if shown is None:
            raise ReadFirst
        approved = lifecycle.approve_mailing
        return answer_idempotently(
            call, lambda _: Response(represent_mailing(approved(call.services, mailing_id, call.author, shown)))
        )


def resend(call: Call, mailing_id: int) -> Response:
    fields = read_fields(call.body(), RESEND, set(), partial=False)
    statuses = cast(tuple[str, ...], fields["statuses"])
    return answer_idempotently(
        call,
        lambda _: Response(
            represent_mailing(lifecycle.resend_mailing(call.services, mailing_id, statuses, call.author))
        ),
    )


def _with_warnings(call: Call, mailing: Mailing, changed: Collection[str] = FILTERS) -> dict[str, object]:
    """The mailing; `warnings` is there only if there are any. `changed`: the names of its fields."""
    if not FILTERS.isdisjoint(changed):
        warnings = [*warnings_of(call.services, mailing), *approval_warnings(call.services, mailing)]
    else:
        warnings = placeholder_warnings(mailing.message_text) if "message_text" in changed else []
    return {**represent_mailing(mailing), **represent_warnings(warnings)}


def _read(call: Call, partial: bool) -> MailingFields:
    return cast(MailingFields, read_fields(call.body(), MAILING, MAILING_READ_ONLY, partial))
