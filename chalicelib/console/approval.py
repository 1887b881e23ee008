"""The approval of a mailing: what its page says of it, and the step itself."""

from __future__ import annotations

from functools import partial
from typing import Any

from chalice.app import Response

from ..domain.approval import GIVEN, HELD
from ..domain.field_versions import Shown, version_of
from ..domain.mailing import SCHEDULED, Mailing
from ..domain.mailing_fields import FIELD_NAMES
from ..errors import BadInput, Outdated
from ..http.calls import read_id
from ..http.phones import client_shown
from ..mailings import lifecycle
from ..mailings.audience import reached_by
from ..mailings.preview import Preview, preview_mailing, with_clients
from ..representation import represent_mailing
from ..texts import Text
from .page_requests import PageRequest


def approve(request: PageRequest, sent_id: str) -> Response:
    """Approves what the page has shown; a change since then is shown instead."""
    shown = Shown((request.field("version"),), FIELD_NAMES)
    try:
        segment = request.field("segment")
        lifecycle.approve_mailing(request.services, read_id(sent_id), request.author, shown, segment)
    except Outdated:
        return request.redirect(f"/console/mailings/{sent_id}", done="changed_before_approval")
    return request.redirect(f"/console/mailings/{sent_id}", done="approve")


def shown_approval(request: PageRequest, mailing: Mailing) -> dict[str, Any]:
    """For the page of the mailing, which `as_it_would_start`. `can_approve`: the user may, and has not written it."""
    most = request.services.settings.approval_above
    is_open = mailing.approval in HELD or (bool(most) and mailing.status == SCHEDULED and mailing.approval != GIVEN)
    is_other = request.principal.name not in mailing.authors
    note = Text("approval.may_be_needed", most=most) if is_open and mailing.approval not in HELD else None
    can_approve = is_open and is_other and request.principal.may_approve
    return {
        "approval_note": note,
        "can_approve": can_approve,
        "approved_preview": _preview(request, mailing) if can_approve else None,
        "approved_version": version_of(represent_mailing(mailing), FIELD_NAMES),
        "approved_segment": lifecycle.version_of_segment(mailing),
    }


def _preview(request: PageRequest, mailing: Mailing) -> Preview | None:
    """What would be sent; None if the mailing could not be announced any more, such as by an unknown placeholder."""
    chosen = reached_by(request.services, mailing.chosen, mailing.purpose)
    given = {"planned": mailing} if mailing.plan is None else {"started": mailing}
    try:
        preview = preview_mailing(request.services, chosen, mailing.message_text, **given)
    except BadInput:
        return None
    return with_clients(preview, mailing.message_text, partial(client_shown, request.principal))
