"""The form of a mailing as the form of a series that is edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from chalice.app import Response

from ..domain.field_versions import Shown, version_of
from ..domain.series import Series
from ..domain.series_decisions import FIELD_NAMES, SeriesFields
from ..errors import Outdated
from ..fields import MAILING
from ..http.calls import read_id
from ..mailings import series as use_cases
from ..representation import represent_series
from ..series_fields import SERIES
from . import mailing_form, repeat_fields
from .mailing_values import Values, form_values
from .outdated_form import what_has_changed
from .page_requests import PageRequest
from .repeat_fields import RepeatFields
from .restricted_pages import for_writers


@for_writers
def edit(request: PageRequest, sent_id: str) -> Response:
    series = use_cases.get_series(request.services, read_id(sent_id))
    fields = represent_series(series)
    values = {name: "" if fields[name] is None else fields[name] for name in MAILING}
    shown: dict[str, Any] = {"series": series, "version": version_of(fields, FIELD_NAMES)}
    return mailing_form.show_form(request, values, None, repeat=repeat_fields.shown(series), **shown)


def save(request: PageRequest, sent_id: str) -> Response:
    series_id = read_id(sent_id)
    before = use_cases.get_series(request.services, series_id)
    values, repeat = form_values(request, None), repeat_fields.submitted(request)
    version = request.field("version")

    def change(fields: SeriesFields) -> int:
        shown = Shown((version,), FIELD_NAMES)
        return use_cases.change_series(request.services, series_id, fields, request.author, shown).id

    try:
        return _submit(request, values, repeat, before, change)
    except Outdated as refusal:
        series = use_cases.get_series(request.services, series_id)
        current, chosen = represent_series(series), series.mailing.chosen
        shown = what_has_changed(request, version, current, FIELD_NAMES, chosen)
        shown |= {"outdated": refusal.detail, "repeat": repeat, "series": series}
        return mailing_form.show_form(request, values, None, refusal.status_code, **shown)


def _submit(
    request: PageRequest,
    values: Values,
    repeat: RepeatFields,
    series: Series | None,
    write: Callable[[SeriesFields], int],
) -> Response:
    def write_series(fields: Any) -> Response:
        series_id = write(cast(SeriesFields, fields))
        return request.redirect(f"/console/series/{series_id}", done="saved")

    return mailing_form.submit(request, values, None, write_series, SERIES, repeat.sent, repeat=repeat, series=series)
