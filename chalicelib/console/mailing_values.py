"""The values of the form of a mailing, in the format of the API."""

from __future__ import annotations

from typing import cast

from ..domain.allowed_steps import fixed_fields
from ..domain.filter import ALL_CLIENTS, Filter
from ..domain.mailing import Mailing
from ..domain.mailing_fields import MailingFields, filter_of
from ..fields import MAILING
from ..representation import represent_mailing
from ..rules import read_fields
from .condition_form import read_form
from .page_requests import PageRequest

Values = dict[str, object]


def chosen_by(values: Values, before: Filter = ALL_CLIENTS) -> Filter:
    """`before`: the filter of the mailing that is edited, which keeps a segment that is deleted."""
    filters = {name: values[name] for name in ("filter_tag", "filter_op_codes", "filter", "segment")}
    fields = cast(MailingFields, read_fields(filters, MAILING, set(), partial=True))
    return filter_of(before, fields)


def form_values(request: PageRequest, before: Mailing | None) -> Values:
    """The fields of the form in the format of the API; checked and typed labels are joined.

    Browsers do not submit the disabled fields of a started mailing, so their values come from the mailing. A form that
    was opened before the start submits them; a change of them is refused.
    """
    unchanged = {name: value for name, value in fixed_values(before).items() if not is_submitted(request, name)}
    return {
        "datetime_start": request.field("datetime_start"),
        "datetime_end": request.field("datetime_end"),
        "message_text": request.field("message_text"),
        "purpose": request.field("purpose"),
        "sender": request.field("sender"),
        "filter_tag": _joined(request, "filter_tag"),
        "filter_op_codes": _joined(request, "filter_op_codes"),
        "filter": read_form(request.form).sent,
        "segment": request.field("segment"),
        "time_from": request.field("time_from"),
        "time_to": request.field("time_to"),
        "rate_limit": request.field("rate_limit"),
        "max_cost": request.field("max_cost"),
        "canary": request.field("canary"),
        "max_error_rate": request.field("max_error_rate"),
        **unchanged,
    }


def fixed_values(mailing: Mailing | None) -> Values:
    fixed = fixed_fields(mailing)
    return {name: value for name, value in (values_of(mailing) if mailing else {}).items() if name in fixed}


def is_submitted(request: PageRequest, name: str) -> bool:
    return name in request.form or f"{name}_typed" in request.form


def _joined(request: PageRequest, name: str) -> str:
    typed = [value for value in request.form.get(f"{name}_typed", []) if value.strip()]
    return ",".join(request.form.get(name, []) + typed)


def values_of(mailing: Mailing) -> Values:
    fields = represent_mailing(mailing)
    return {name: "" if fields[name] is None else fields[name] for name in MAILING}
