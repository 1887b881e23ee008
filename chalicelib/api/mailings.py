"""Mailings over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

from chalice.app import Response

from .. import mailings
from ..domain.decisions import MailingFields
from ..domain.mailing import Mailing
from ..domain.message import RESENDABLE
from . import fields
from .calls import Call
from .fields import Field, read_fields
from .once import answer_once
from .paging import answer_page, read_page

FIELDS = {
    "datetime_start": Field(fields.moment, "In the past: at once. UTC, unless an offset is given.", required=True),
    "datetime_end": Field(fields.moment, "After it nothing is sent. Later than the start.", required=True),
    "message_text": Field(fields.required_text, "What is sent.", required=True),
    "filter_tag": Field(fields.tags, "Tags separated by commas: the client's tag is one of them."),
    "filter_op_codes": Field(fields.operator_codes, "Operator codes separated by commas: the client's is one of them."),
}
READ_ONLY = {"id", "status"}
RESEND_FIELDS = {"statuses": Field(fields.choices(RESENDABLE), "Whose message ended so.", required=True)}


def list_(call: Call) -> Response:
    page = read_page(call.query, numbers=1)
    before_id = page.place[0] if page.place else None
    found, below = mailings.list_mailings(call.outside, before_id, page.limit)
    place = None if below is None else (below,)
    return Response(answer_page(call.url, call.query, page, place, [shown(mailing) for mailing in found]))


def create(call: Call) -> Response:
    wanted = _read(call, partial=False)
    return answer_once(
        call,
        lambda mailing_id: Response(
            shown(mailings.announce_mailing(call.outside, wanted, mailing_id)), status_code=201
        ),
        new_id=lambda: mailings.new_mailing_id(call.outside),
    )


def read(call: Call, mailing_id: int) -> Response:
    return Response(shown(mailings.get_mailing(call.outside, mailing_id)))


def change(call: Call, mailing_id: int, partial: bool) -> Response:
    return Response(shown(mailings.change_mailing(call.outside, mailing_id, _read(call, partial))))


def delete(call: Call, mailing_id: int) -> Response:
    mailings.withdraw_mailing(call.outside, mailing_id)
    return Response("", status_code=204)


def pause(call: Call, mailing_id: int) -> Response:
    return _steer(call, lambda: mailings.pause_mailing(call.outside, mailing_id))


def resume(call: Call, mailing_id: int) -> Response:
    return _steer(call, lambda: mailings.resume_mailing(call.outside, mailing_id))


def cancel(call: Call, mailing_id: int) -> Response:
    return _steer(call, lambda: mailings.cancel_mailing(call.outside, mailing_id))


def resend(call: Call, mailing_id: int) -> Response:
    wanted = read_fields(call.body(), RESEND_FIELDS, set(), partial=False)
    statuses = cast(tuple[str, ...], wanted["statuses"])
    return answer_once(call, lambda _: Response(shown(mailings.resend_mailing(call.outside, mailing_id, statuses))))


def _steer(call: Call, decide: Callable[[], Mailing]) -> Response:
    read_fields(call.body(), {}, set(), partial=False)
    return answer_once(call, lambda _: Response(shown(decide())))


def shown(mailing: Mailing) -> dict[str, object]:
    return {
        "id": mailing.id,
        "status": mailing.status,
        "datetime_start": shown_moment(mailing.datetime_start),
        "datetime_end": shown_moment(mailing.datetime_end),
        "message_text": mailing.message_text,
        "filter_tag": ",".join(mailing.chosen.tags) or None,
        "filter_op_codes": ",".join(mailing.chosen.operator_codes) or None,
    }


def shown_moment(moment: datetime | None) -> str | None:
    """UTC, to the second: 2022-08-22T22:42:16Z. (strftime would not pad a year below 1000.)"""
    return None if moment is None else moment.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _read(call: Call, partial: bool) -> MailingFields:
    return cast(MailingFields, read_fields(call.body(), FIELDS, READ_ONLY, partial))
