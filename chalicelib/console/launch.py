"""The check of a draft: the clients it reaches, the cost, the warnings; the launch of what was checked, its undo."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any, cast

from chalice.app import Response

from ..domain.condition_text import describe_filter
from ..domain.draft import UNDO_TIME, Draft, Launch, earliest_start
from ..domain.first_messages import shared_local_time
from ..domain.mailing import SCHEDULED, Mailing
from ..domain.outcome import Outcome
from ..domain.series import Series
from ..errors import BadInput, NotInThisStatus, Outdated
from ..http.calls import read_id
from ..http.phones import client_shown
from ..mailings import drafts as use_cases
from ..mailings import series as series_of
from ..mailings.audience import reached_by
from ..mailings.drafts import Fields
from ..mailings.launch_warnings import consent_warnings, with_first_messages, with_launch_warnings
from ..mailings.preview import preview_mailing, with_clients
from ..mailings.test_message import advice_after
from ..rules import read_fields
from ..texts import Text
from ..zones import zone
from . import drafts
from .local_time import zone_of
from .page_requests import PageRequest
from .test_message import try_message

STARTS_SHOWN = 3
COUNTED_DOWN = 60
"""Seconds."""

ROUNDED_UP = timedelta(seconds=1)
"""At most, by `earliest_start`."""


def check(request: PageRequest, sent_id: str) -> Response:
    draft = use_cases.get_draft(request.services, read_id(sent_id))
    if draft.launch is not None:
        return request.redirect(f"/console/drafts/{draft.id}")
    return _show(request, draft)


def launch(request: PageRequest, sent_id: str) -> Response:
    """Launches the version of the draft that the page of the check has shown."""
    draft = use_cases.get_draft(request.services, read_id(sent_id))
    known = draft.launch
    checked = known.of_version if known else draft.version
    if request.field("version") != str(checked):
        return request.redirect(f"/console/drafts/{draft.id}") if known else _show_outdated(request, draft)
    if known is not None:
        return _to_launched(request, known)
    try:
        fields = _read(request, draft, earliest_start(request.services.clock.now()))
        return _to_launched(request, use_cases.launch_draft(request.services, draft, fields, request.author))
    except Outdated:
        return _show_outdated(request, use_cases.get_draft(request.services, draft.id))
    except BadInput as refusal:
        return _refuse(request, draft, refusal)


def undo(request: PageRequest, sent_id: str) -> Response:
    """Gives the draft back. If the mailing has started, its page says so. A series has no undo."""
    draft_id = read_id(sent_id)
    try:
        use_cases.undo_launch(request.services, draft_id, request.author)
    except NotInThisStatus:
        launched = use_cases.get_draft(request.services, draft_id).launch
        assert launched is not None
        return request.redirect(_page_of(launched), done="not_undone")
    return request.redirect(f"/console/drafts/{draft_id}", done="undone")


def shown_undo(request: PageRequest, mailing: Mailing) -> dict[str, Any]:
    """For the page of the mailing. `seconds_to_start`: None if the start is further away than a minute.

    A start at once is in whole seconds, so up to a second later than the check has said: the count begins as said.
    """
    left = mailing.datetime_start - request.services.clock.now()
    seconds = ceil((min(left, UNDO_TIME) if left < UNDO_TIME + ROUNDED_UP else left).total_seconds())
    return {
        "may_undo": request.may_write and use_cases.draft_of(request.services, mailing) is not None,
        "seconds_to_start": max(seconds, 0) if mailing.status == SCHEDULED and seconds <= COUNTED_DOWN else None,
    }


def send_test(request: PageRequest, sent_id: str) -> Response:
    """The answer is the page of the check; its address in the form leads to the result."""
    draft = use_cases.get_draft(request.services, read_id(sent_id))
    values, _ = drafts.values_of(drafts.as_typed(request, draft.form))
    try:
        outcome = try_message(request, values)
    except BadInput as refusal:
        return _show(request, draft, refusal.status_code, errors=refusal.errors)
    return _show(request, draft, outcome=outcome, advice=advice_after(outcome))


def _show_outdated(request: PageRequest, draft: Draft) -> Response:
    return _show(request, draft, Outdated.status_code, note=Text("draft.changed_since_check"))


def _show(
    request: PageRequest, draft: Draft, status_code: int = 200, outcome: Outcome | None = None, **shown: Any
) -> Response:
    try:
        planned = use_cases.planned(request.services, _read(request, draft))
        mailing, series = (planned.mailing, planned) if isinstance(planned, Series) else (planned, None)
        chosen = reached_by(request.services, mailing.chosen, mailing.purpose)
        preview = preview_mailing(request.services, chosen, mailing.message_text, planned=mailing)
        preview = with_clients(preview, mailing.message_text, partial(client_shown, request.principal))
        preview = with_first_messages(request.services, preview, mailing, zone(zone_of(request)))
        without_consent = consent_warnings(request.services, chosen, mailing.purpose, preview)
    except BadInput as refusal:
        return _refuse(request, draft, refusal)
    return request.page(
        "draft_check.html",
        status_code,
        draft=draft,
        mailing=mailing,
        series=series,
        starts=series_of.next_starts(series, STARTS_SHOWN) if series else [],
        preview=with_launch_warnings(preview, chosen, mailing.window, request.services.settings.approval_above),
        without_consent=without_consent,
        condition=describe_filter(chosen),
        clients_time=shared_local_time(preview.first_messages) if mailing.window else None,
        starts_now=_starts_now(request, mailing),
        undo_seconds=UNDO_TIME.seconds,
        test_phone=request.field("test_phone") if outcome or "errors" in shown else "",
        currency=request.services.settings.gateway_currency,
        outcome=outcome,
        **{"note": None, "errors": {}, "advice": None, **shown},
    )


def _starts_now(request: PageRequest, mailing: Mailing) -> bool:
    return mailing.datetime_start <= request.services.clock.now()


def _refuse(request: PageRequest, draft: Draft, refusal: BadInput) -> Response:
    """The form, with what has to be corrected. A user without it gets the reasons alone."""
    if not request.may_write:
        raise refusal
    return drafts.show_form(request, draft.id, draft.form, refusal.status_code, errors=refusal.errors)


def _read(request: PageRequest, draft: Draft, at_once: datetime | None = None) -> Fields:
    """`at_once`: the moment that a blank start means, by default now."""
    values, repeat = drafts.values_of(drafts.as_typed(request, draft.form))
    known, others = drafts.fields_of(request, values, repeat, at_once)
    return cast(Fields, read_fields({**values, **others}, known, set(), partial=False))


def _to_launched(request: PageRequest, launch: Launch) -> Response:
    return request.redirect(_page_of(launch), done="launched")


def _page_of(launch: Launch) -> str:
    return f"/console/{'series' if launch.is_series else 'mailings'}/{launch.id}"
