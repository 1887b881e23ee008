"""The form of a mailing, with its preview and the test message."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, cast

from chalice.app import Response

from ..clients.segments import with_current_segment
from ..domain.allowed_steps import fixed_fields
from ..domain.decisions import announced
from ..domain.field_versions import Shown, version_of
from ..domain.filter import ALL_CLIENTS
from ..domain.mailing import Mailing
from ..domain.mailing_fields import FIELD_NAMES, MailingFields
from ..errors import BadInput, Outdated
from ..fields import MAILING
from ..http.calls import ID, read_id
from ..mailings import lifecycle
from ..mailings.audience import reached_by
from ..mailings.launch_warnings import with_first_messages, with_launch_warnings
from ..mailings.placeholders import suggested_placeholders
from ..mailings.preview import Preview, preview_mailing
from ..mailings.segments import list_segments
from ..mailings.sender_name import takes_sender
from ..mailings.test_message import advice_after
from ..representation import represent_mailing
from ..rules import Field, read_fields
from ..texts import Text
from ..zones import zone
from . import repeat_fields
from .condition_form import MORE_ROWS, ConditionForm, form_of, read_form
from .condition_values import suggested_values
from .local_time import zone_of
from .mailing_values import Values, chosen_by, fixed_values, form_values, is_submitted, values_of
from .outdated_form import what_has_changed
from .page_requests import PageRequest
from .restricted_pages import for_writers
from .test_message import try_message
from .times_of_draft import times_of

LABELS_SHOWN = 100
"""Tags and codes with a checkbox; others can be typed."""

NO_OTHERS: Mapping[str, object] = {}


@for_writers
def edit(request: PageRequest, sent_id: str) -> Response:
    mailing = lifecycle.get_mailing(request.services, read_id(sent_id))
    return show_form(request, values_of(mailing), mailing, version=version_of(represent_mailing(mailing), FIELD_NAMES))


def save(request: PageRequest, sent_id: str) -> Response:
    mailing_id = read_id(sent_id)
    before = lifecycle.get_mailing(request.services, mailing_id)
    values, version = form_values(request, before), request.field("version")

    def change(fields: MailingFields) -> Response:
        shown = Shown((version,), FIELD_NAMES)
        lifecycle.change_mailing(request.services, mailing_id, fields, request.author, shown)
        return _to_mailing(request, mailing_id)

    try:
        return submit(request, values, before, change)
    except Outdated as refusal:
        mailing = lifecycle.get_mailing(request.services, mailing_id)
        shown = what_has_changed(request, version, represent_mailing(mailing), FIELD_NAMES, mailing.chosen)
        return show_form(request, values, mailing, refusal.status_code, outdated=refusal.detail, **shown)


def preview(request: PageRequest) -> Response:
    """The preview alone; the page requests it while the form is filled in."""
    mailing_id = request.field("mailing")
    before = lifecycle.get_mailing(request.services, read_id(mailing_id)) if mailing_id else None
    try:
        return request.page("preview_live.html", preview=_preview(request, form_values(request, before), before))
    except BadInput as refusal:
        texts = [text for texts in refusal.errors.values() for text in texts]
        return request.page("preview_live.html", preview=None, problems=texts)


def submit(
    request: PageRequest,
    values: Values,
    before: Mailing | None,
    write: Callable[[Any], Response],
    known: Mapping[str, Field] = MAILING,
    others: Mapping[str, object] = NO_OTHERS,
    **shown: Any,
) -> Response:
    """Handles the buttons of the form: conditions, preview, test message, and save. `write` answers what was saved.

    `known`, `others`: the fields to save, and those of them that are not of a mailing. `shown`: as for `show_form`.
    """
    try:
        match request.field("step"):
            case "rows":
                return show_form(request, values, before, **shown)
            case "preview":
                return show_form(request, values, before, preview=_preview(request, values, before), **shown)
            case "test":
                outcome = try_message(request, values)
                return show_form(request, values, before, outcome=outcome, advice=advice_after(outcome), **shown)
        return write(read_fields({**values, **others}, known, set(), partial=before is not None))
    except BadInput as refusal:
        return show_form(request, values, before, refusal.status_code, errors=refusal.errors, **shown)


def _to_mailing(request: PageRequest, mailing_id: int) -> Response:
    return request.redirect(f"/console/mailings/{mailing_id}", done="saved")


def _preview(request: PageRequest, values: Values, before: Mailing | None) -> Preview:
    """The preview of a form that may be incomplete. A mailing that has started keeps its audience."""
    text = _checked_text(values)
    if before is not None and before.plan is not None:
        return preview_mailing(request.services, before.chosen, text, started=before)
    chosen = with_current_segment(request.services, chosen_by(values, before.chosen if before else ALL_CLIENTS))
    chosen = reached_by(request.services, chosen, str(values["purpose"]))
    planned = _planned(request, values)
    found = preview_mailing(request.services, chosen, text, planned=planned)
    found = with_first_messages(request.services, found, planned, zone(zone_of(request)))
    most = request.services.settings.approval_above
    return with_launch_warnings(found, chosen, planned.window if planned else None, most)


def _checked_text(values: Values) -> str:
    """The text of the form; blank if it is not written yet. Raises BadInput."""
    sent = {"message_text": values["message_text"]} if str(values["message_text"]).strip() else {}
    return str(
        read_fields(sent, {"message_text": MAILING["message_text"]}, set(), partial=True).get("message_text", "")
    )


def _planned(request: PageRequest, values: Values) -> Mailing | None:
    """The mailing without its text; None while a field that the forecast needs is wrong."""
    now = request.services.clock.now()
    times = times_of(values, now) if request.field("page") else {}  # the forms of what exists need both
    sent = {**values, "message_text": "text", **times}
    try:
        return announced(cast(MailingFields, read_fields(sent, MAILING, set(), partial=False)), 0, now)
    except BadInput:
        return None


def show_form(
    request: PageRequest, values: Values, mailing: Mailing | None, status_code: int = 200, **shown: Any
) -> Response:
    """`shown`: what is beside the form, with `repeat`, `series` and `draft_id` of it, and the version that it shows.

    `page` tells the pages of one draft apart: what this page saves is known to it.
    """
    values = {**{name: values.get(name, "") for name in MAILING}, **fixed_values(mailing)}
    condition = _condition_form(request, values["filter"])
    tags = _labels(request, "tag", values["filter_tag"])
    codes = _labels(request, "operator_code", values["filter_op_codes"])
    nothing: dict[str, Any] = dict.fromkeys(
        ("preview", "outcome", "note", "done", "outdated", "series", "draft_id", "is_saved")
    )
    same_form = {"page": secrets.token_urlsafe(9), "version": request.field("version"), "step": request.field("step")}
    return request.page(
        "mailing_form.html",
        status_code,
        values=values,
        mailing=mailing,
        fixed=fixed_fields(mailing),
        tags=tags,
        codes=codes,
        segments=_segments(request, shown["series"].mailing if shown.get("series") else mailing, values["segment"]),
        condition=condition,
        condition_errors=condition.errors_by_row(shown.get("errors", {})),
        condition_values=suggested_values(tags[0], codes[0]),
        names=suggested_placeholders(request.services),
        takes_sender=takes_sender(request.services),
        has_price=request.services.settings.price_by_gateway is not None,
        currency=request.services.settings.gateway_currency,
        test_phone=request.field("test_phone"),
        requires_consent=request.services.settings.require_consent,
        **{**nothing, **same_form, "errors": {}, "repeat": repeat_fields.NOT_REPEATED, **shown},
        **repeat_fields.choices(),
    )


def _segments(request: PageRequest, mailing: Mailing | None, chosen: object) -> dict[int, str]:
    """The names of the newest segments, and of the segment that the mailing, or that of a series, has, by id.

    The `chosen` one is among them, also if it is older or deleted: a form without it would choose all clients.
    """
    found, _ = list_segments(request.services, None, LABELS_SHOWN)
    own = [mailing.chosen.segment] if mailing and mailing.chosen.segment else []
    names = {segment.id: segment.name for segment in [*own, *found]}
    number = int(str(chosen)) if ID.fullmatch(str(chosen)) else 0
    if number and number not in names:
        older = request.services.segments.get(number)
        names[number] = older.name if older else request.localized(Text("segment.unknown", segment=number))
    return names


def _condition_form(request: PageRequest, value: Any) -> ConditionForm:
    """As it was submitted, or with the condition of the mailing; with blank rows for more conditions."""
    if is_submitted(request, "filter") or is_submitted(request, "where_0_field"):
        more = MORE_ROWS if request.field("step") == "rows" else 0
        return read_form(request.form).with_blank_rows(more)
    return form_of(value or {}).with_blank_rows(0)


def _labels(request: PageRequest, kind: str, value: object) -> tuple[dict[str, bool], str]:
    """The labels with a checkbox, each with whether it is checked, and the typed labels."""
    chosen = [label.strip() for label in str(value or "").split(",") if label.strip()]
    known = request.services.labels.read(kind, LABELS_SHOWN)
    return {label: label in chosen for label in known}, ",".join(label for label in chosen if label not in known)
