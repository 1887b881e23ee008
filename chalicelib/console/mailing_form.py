"""The form of a mailing: what would come of it is said before it is announced."""

from __future__ import annotations

import secrets
from typing import cast

from chalice.app import Response

from .. import fields
from ..access.idempotency import register_request
from ..access.tokens import digest
from ..domain.allowed_steps import fixed_fields
from ..domain.audience import Filter
from ..domain.decisions import MailingFields, announced
from ..domain.gateway_result import Outcome
from ..domain.mailing import Mailing
from ..errors import BadInput, FieldErrors
from ..fields import MAILING
from ..http.calls import read_id
from ..mailings import lifecycle
from ..mailings.placeholders import suggested_placeholders
from ..mailings.preview import Preview, preview_mailing
from ..mailings.test_message import send_test_message
from ..representation import represent_mailing
from ..rules import Field, read_fields
from .page_requests import PageRequest

ANNOUNCED = 303
"""What a form that was sent is kept as answered with: another sending is led to the same mailing."""

LABELS_SHOWN = 100
"""Tags and codes to tick; others can be typed."""

TEST_MESSAGE = {
    "test_phone": Field(fields.phone_number, "Who gets the test message.", required=True),
    "message_text": MAILING["message_text"],
}
Values = dict[str, object]


def new(request: PageRequest) -> Response:
    return _shown(request, {}, None)


def edit(request: PageRequest, sent_id: str) -> Response:
    mailing = lifecycle.get_mailing(request.services, read_id(sent_id))
    return _shown(request, _values_of(mailing), mailing)


def save_new(request: PageRequest) -> Response:
    return _save(request, None)


def save(request: PageRequest, sent_id: str) -> Response:
    return _save(request, lifecycle.get_mailing(request.services, read_id(sent_id)))


def preview(request: PageRequest) -> Response:
    """Only the part of the form that says whom it reaches: what the page asks for while it is filled in."""
    mailing_id = request.field("mailing")
    before = lifecycle.get_mailing(request.services, read_id(mailing_id)) if mailing_id else None
    try:
        return request.page("preview.html", preview=_preview(request, _sent(request, before), before))
    except BadInput as refused:
        texts = [text for texts in refused.errors.values() for text in texts]
        return request.page("preview.html", preview=None, problems=texts)


def _save(request: PageRequest, before: Mailing | None) -> Response:
    """The form has three buttons: say what would come of it, try it on one number, and save."""
    sent = _sent(request, before)
    try:
        match request.field("step"):
            case "preview":
                return _shown(request, sent, before, preview=_preview(request, sent, before))
            case "test":
                return _shown(request, sent, before, outcome=_try(request, sent))
        mailing_id = _write(request, sent, before)
    except BadInput as refused:
        return _shown(request, sent, before, errors=refused.errors)
    return request.go(f"/console/mailings/{mailing_id}", done="saved")


def _write(request: PageRequest, sent: Values, before: Mailing | None) -> int:
    """The mailing's id."""
    wanted = cast(MailingFields, read_fields(sent, MAILING, set(), partial=before is not None))
    if before is None:
        return _announce_once(request, wanted)
    return lifecycle.change_mailing(request.services, before.id, wanted, request.author).id


def _announce_once(request: PageRequest, wanted: MailingFields) -> int:
    """However often one form is sent: a second click announces no second mailing."""
    services, once = request.services, request.field("once") or secrets.token_urlsafe()
    name = digest("form", request.principal.name, once)
    first = register_request(services, name, "mailing", lambda: lifecycle.new_mailing_id(services))
    if first.status_code is None:
        lifecycle.announce_mailing(services, wanted, first.reserved_id, request.author)
        services.idempotency_keys.save_answer(name, ANNOUNCED, "")
    return first.reserved_id


def _try(request: PageRequest, sent: Values) -> Outcome:
    asked = {"test_phone": request.field("test_phone"), "message_text": sent["message_text"]}
    wanted = read_fields(asked, TEST_MESSAGE, set(), partial=False)
    return send_test_message(request.services, str(wanted["test_phone"]), str(wanted["message_text"]), request.author)


def _preview(request: PageRequest, sent: Values, before: Mailing | None) -> Preview:
    """Of a form that need not be whole yet. Who gets a mailing that has started is settled."""
    text = str(sent["message_text"]).strip()
    if before is not None and before.plan is not None:
        return preview_mailing(request.services, before.chosen, text, started=before)
    return preview_mailing(request.services, _chosen(sent), text, planned=_planned(request, sent))


def _planned(request: PageRequest, sent: Values) -> Mailing | None:
    """The mailing without its text; None while a field that the forecast needs is missing or wrong."""
    try:
        wanted = cast(MailingFields, read_fields({**sent, "message_text": "text"}, MAILING, set(), partial=False))
        return announced(wanted, 0, request.services.clock.now())
    except BadInput:
        return None


def _chosen(sent: Values) -> Filter:
    filters = {name: sent[name] for name in ("filter_tag", "filter_op_codes")}
    wanted = cast(MailingFields, read_fields(filters, MAILING, set(), partial=True))
    return Filter(wanted.get("filter_tag", ()), wanted.get("filter_op_codes", ()))


def _sent(request: PageRequest, before: Mailing | None) -> Values:
    """The form's fields as the API would get them: labels that are ticked and those that are typed together.

    The form shows fixed fields and does not send them.
    """
    fixed = fixed_fields(before)
    kept = {name: value for name, value in (_values_of(before) if before else {}).items() if name in fixed}
    return {
        "datetime_start": request.field("datetime_start"),
        "datetime_end": request.field("datetime_end"),
        "message_text": request.field("message_text"),
        "filter_tag": _joined(request, "filter_tag"),
        "filter_op_codes": _joined(request, "filter_op_codes"),
        "time_from": request.field("time_from"),
        "time_to": request.field("time_to"),
        "rate_limit": request.field("rate_limit"),
        "canary": request.field("canary"),
        "max_error_rate": request.field("max_error_rate"),
        **kept,
    }


def _joined(request: PageRequest, name: str) -> str:
    typed = [value for value in request.form.get(f"{name}_typed", []) if value.strip()]
    return ",".join(request.form.get(name, []) + typed)


def _values_of(mailing: Mailing) -> Values:
    shown = represent_mailing(mailing)
    return {name: "" if shown[name] is None else shown[name] for name in MAILING}


def _shown(
    request: PageRequest,
    values: Values,
    mailing: Mailing | None,
    preview: Preview | None = None,
    outcome: Outcome | None = None,
    errors: FieldErrors | None = None,
) -> Response:
    return request.page(
        "mailing_form.html",
        status_code=400 if errors else 200,
        values={name: values.get(name, "") for name in MAILING},
        mailing=mailing,
        fixed=fixed_fields(mailing),
        tags=_labels(request, "tag", values.get("filter_tag")),
        codes=_labels(request, "operator_code", values.get("filter_op_codes")),
        names=suggested_placeholders(request.services),
        test_phone=request.field("test_phone"),
        once=request.field("once") or secrets.token_urlsafe(12),
        preview=preview,
        outcome=outcome,
        errors=errors or {},
    )


def _labels(request: PageRequest, kind: str, chosen: object) -> tuple[dict[str, bool], str]:
    """Labels that exist, and whether each is ticked; and those that were typed."""
    ticked = [label.strip() for label in str(chosen or "").split(",") if label.strip()]
    known = request.services.labels.read(kind, LABELS_SHOWN)
    return {label: label in ticked for label in known}, ",".join(label for label in ticked if label not in known)
