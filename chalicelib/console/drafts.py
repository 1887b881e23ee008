"""Drafts of mailings and series: the form, which saves what is typed, the list, and copies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalice.app import Response

from ..domain.draft import MAX_FORM, Draft, Form, Save
from ..domain.field_versions import Shown, version_of
from ..domain.filter import ALL_CLIENTS, Filter
from ..domain.series_decisions import FIELD_NAMES
from ..errors import BadInput, KeyReused, NotAllowed, Outdated, TooLarge
from ..fields import MAILING
from ..http.calls import ID, read_id
from ..http.paging import position_at
from ..mailings import drafts as use_cases
from ..mailings import lifecycle
from ..rules import Field
from ..series_fields import SERIES
from ..texts import Text
from . import mailing_form, mailing_values, repeat_fields, text_templates
from .condition_form import form_of
from .launched_drafts import reused_note, used_note
from .mailing_values import Values
from .outdated_form import what_has_changed
from .page_requests import PageRequest
from .repeat_fields import NOT_REPEATED, RepeatFields
from .restricted_pages import for_writers
from .times_of_draft import times_of

LIST_LENGTH = 100
NEWEST_SHOWN = 3
"""On the page of the mailings."""

ROW_OF_CONDITION = re.compile(r"where_[0-9]{1,2}_(field|name|operator|value)")
KEPT = {*MAILING, "filter_tag_typed", "filter_op_codes_typed", "where_joined"}
KEPT |= {"repeat_kind", "week_days", "month_days", *repeat_fields.RULE[1:]}
"""The fields of the form that a draft has. The phone number of a test message is never stored."""

NOT_COPIED = {"datetime_start", "datetime_end"}

Step = Callable[[PageRequest, str], Response]
"""An action on the draft with the id that the address has."""


def list_(request: PageRequest) -> Response:
    page = request.list_page(numbers=1, length=LIST_LENGTH)
    found, next_before_id = use_cases.list_drafts(request.services, page.number, page.limit)
    following = request.next_page(page, position_at(next_before_id))
    return request.page("drafts.html", drafts=found, next=following, done=request.query.get("done"))


def newest(request: PageRequest) -> list[Draft]:
    return use_cases.list_drafts(request.services, None, LIST_LENGTH)[0][:NEWEST_SHOWN]


@for_writers
def new(request: PageRequest) -> Response:
    """The address of a new draft. It is in the browser's history, so Back returns to the same draft."""
    segment = request.query.get("segment")
    return _to_draft(request, use_cases.new_draft_id(request.services), **({"segment": segment} if segment else {}))


def read(request: PageRequest, sent_id: str) -> Response:
    draft_id = read_id(sent_id)
    draft = use_cases.find_draft(request.services, draft_id)
    if draft is not None and draft.launch is not None:
        exists = use_cases.exists(request.services, draft.launch)
        return request.page("draft_launched.html", draft=draft, note=used_note(draft.launch, exists), exists=exists)
    form = draft.form if draft else _begun(request)
    if not request.may_write:
        raise NotAllowed(Text("console.read_only"))
    return show_form(request, draft_id, form, is_saved=draft is not None, done=request.query.get("done"))


def _begun(request: PageRequest) -> dict[str, list[str]]:
    """What the form of a draft has before it is saved: the segment from whose list it is opened."""
    return {"segment": [request.query["segment"]]} if ID.fullmatch(request.query.get("segment", "")) else {}


def save(request: PageRequest, sent_id: str) -> Response:
    """Every button of the form saves what is typed first. The script of the page submits `live`: it needs no page."""
    draft_id, form = read_id(sent_id), _typed(request)
    try:
        draft = use_cases.save_draft(
            request.services,
            draft_id,
            form,
            _this_save(request),
            request.principal.name,
            lambda before: _require_seen(request, before),
        )
    except Outdated as refusal:
        return _show_changed(request, draft_id, form, refusal)
    except KeyReused as refusal:
        return _show_reused(request, draft_id, form, refusal)
    if request.field("live"):
        return request.page("draft_saved.html", draft=draft)
    if request.field("step") == "keep":
        return request.redirect(f"/console/drafts/{draft_id}", done="saved")
    if request.field("step") == "template":
        return _make_template(request, draft)
    return _take_step(request, draft)


def copy(request: PageRequest, sent_id: str) -> Response:
    """A new draft with the values of a draft, which may be launched."""
    draft = use_cases.get_draft(request.services, read_id(sent_id))
    return _to_draft(request, use_cases.make_draft(request.services, draft.form, request.principal.name).id)


def copy_mailing(request: PageRequest, sent_id: str) -> Response:
    """A new draft with the values of a mailing, without its dates."""
    values = mailing_values.values_of(lifecycle.get_mailing(request.services, read_id(sent_id)))
    shown: Any = values.pop("filter")
    form = {name: [str(value)] for name, value in values.items() if name not in NOT_COPIED}
    form |= form_of(shown or {}).typed
    return _to_draft(request, use_cases.make_draft(request.services, form, request.principal.name).id)


@for_writers
def confirm_delete(request: PageRequest, sent_id: str) -> Response:
    return request.page("draft_question.html", draft=use_cases.get_draft(request.services, read_id(sent_id)))


def delete(request: PageRequest, sent_id: str) -> Response:
    use_cases.delete_draft(request.services, read_id(sent_id))
    return request.redirect("/console/drafts", done="deleted")


def show_form(request: PageRequest, draft_id: int, form: Form, status_code: int = 200, **shown: Any) -> Response:
    typed = as_typed(request, form)
    values, repeat = values_of(typed)
    of_draft = {"version": version_of(_fields(values, repeat), FIELD_NAMES), "draft_id": draft_id, "is_saved": True}
    return mailing_form.show_form(typed, values, None, status_code, **{**of_draft, "repeat": repeat, **shown})


def as_typed(request: PageRequest, form: Form) -> PageRequest:
    """The request as if this form had been submitted."""
    return replace(request, typed=form)


def values_of(request: PageRequest) -> tuple[Values, RepeatFields]:
    """What a form has, in the format of the API."""
    repeat = repeat_fields.submitted(request) if "repeat_kind" in request.form else NOT_REPEATED
    return mailing_values.form_values(request, None), repeat


def fields_of(
    request: PageRequest, values: Values, repeat: RepeatFields, at_once: datetime | None = None
) -> tuple[Mapping[str, Field], Mapping[str, object]]:
    """The fields that a launch reads, and the values that the typed form of a mailing does not have."""
    if repeat.is_repeated:
        return SERIES, repeat.sent
    return MAILING, times_of(values, at_once or request.services.clock.now())


def _take_step(request: PageRequest, draft: Draft) -> Response:
    values, repeat = values_of(request)

    def to_check(fields: Any) -> Response:
        use_cases.planned(request.services, fields)
        return request.redirect(f"/console/drafts/{draft.id}/check")

    known, others = fields_of(request, values, repeat)
    version = version_of(_fields(values, repeat), FIELD_NAMES)
    shown = {"draft_id": draft.id, "is_saved": True, "version": version, "repeat": repeat}
    return mailing_form.submit(request, values, None, to_check, known, others, **shown)


def _make_template(request: PageRequest, draft: Draft) -> Response:
    try:
        text_templates.make(request)
    except BadInput as refusal:
        return show_form(request, draft.id, draft.form, refusal.status_code, errors=refusal.errors)
    return request.redirect(f"/console/drafts/{draft.id}", done="template")


def _typed(request: PageRequest) -> Form:
    form = {name: found for name, found in request.form.items() if name in KEPT or ROW_OF_CONDITION.fullmatch(name)}
    if len(json.dumps(form, ensure_ascii=False).encode()) > MAX_FORM:
        raise TooLarge(Text("console.form_too_large", most=MAX_FORM // 1024))
    return form


def _this_save(request: PageRequest) -> Save:
    turn = request.field("turn")
    return Save(request.field("page"), int(turn) if ID.fullmatch(turn) else 0)


def _fields(values: Values, repeat: RepeatFields) -> dict[str, object]:
    return {**values, **repeat.sent}


def _require_seen(request: PageRequest, before: Draft) -> None:
    """Raises Outdated if another page has saved something that this one does not show, KeyReused after the launch."""
    if before.launch is not None:
        raise KeyReused
    if before.last_save.page != request.field("page"):
        current = _fields(*values_of(as_typed(request, before.form)))
        Shown((request.field("version"),), FIELD_NAMES).require_unchanged(current)


def _show_changed(request: PageRequest, draft_id: int, form: Form, refusal: Outdated) -> Response:
    values, repeat = values_of(as_typed(request, use_cases.get_draft(request.services, draft_id).form))
    current = _fields(values, repeat)
    shown = what_has_changed(request, request.field("version"), current, FIELD_NAMES, _chosen(values))
    return show_form(request, draft_id, form, refusal.status_code, outdated=refusal.detail, **shown)


def _show_reused(request: PageRequest, draft_id: int, form: Form, refusal: KeyReused) -> Response:
    """A launched draft does not change: what is typed goes into a new one, if the person wants a second mailing."""
    draft = use_cases.get_draft(request.services, draft_id)
    launch = draft.launch
    exists = launch is not None and use_cases.exists(request.services, launch)
    note = reused_note(launch) if launch and exists else Text("console.form_reused_lost")
    new_id = use_cases.new_draft_id(request.services)
    shown = {"note": note, "launched_before": launch if exists else None, "is_saved": False}
    return show_form(request, new_id, form, refusal.status_code, **shown)


def _chosen(values: Values) -> Filter:
    try:
        return mailing_values.chosen_by(values)
    except BadInput:
        return ALL_CLIENTS


def _to_draft(request: PageRequest, draft_id: int, **query: str) -> Response:
    return request.redirect(f"/console/drafts/{draft_id}", **query)
