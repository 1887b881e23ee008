"""Pages of segments: the list, the form with rows of choices and a count, and the question before a deletion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from chalice.app import Response

from ..domain.condition import OPERATOR_CODE, TAG
from ..domain.condition_json import as_json
from ..domain.condition_text import describe
from ..domain.field_versions import Shown, version_of
from ..domain.filter import Filter
from ..domain.segment import FIELD_NAMES, Segment, SegmentFields
from ..errors import BadInput, Outdated
from ..fields import SEGMENT
from ..http.calls import read_id
from ..http.paging import position_at
from ..mailings import segments as use_cases
from ..mailings.audience import count_audience
from ..mailings.filters import require_known_names
from ..mailings.placeholders import suggested_placeholders
from ..representation import represent_segment
from ..rules import read_fields
from .condition_form import MORE_ROWS, ConditionForm, form_of, read_form
from .condition_values import suggested_values
from .outdated_form import what_has_changed
from .page_requests import PageRequest
from .restricted_pages import for_writers

LIST_LENGTH = 20
LABELS_SHOWN = 100


def list_(request: PageRequest) -> Response:
    page = request.list_page(numbers=1, length=LIST_LENGTH)
    found, next_before_id = use_cases.list_segments(request.services, page.number, page.limit)
    shown = [(segment, describe(segment.condition)) for segment in found if segment.condition]
    following = request.next_page(page, position_at(next_before_id))
    wanted = request.query.get("count", "")
    counts = use_cases.count_segments(request.services, [one for one in found if wanted in ("all", str(one.id))])
    own_query = {name: value for name, value in request.query.items() if name not in ("count", "done")}
    beside: dict[str, Any] = {"counts": counts, "is_counted": bool(wanted), "own_query": own_query}
    return request.page("segments.html", segments=shown, next=following, done=request.query.get("done"), **beside)


@for_writers
def new(request: PageRequest) -> Response:
    return _page(request, None, "", ConditionForm())


@for_writers
def edit(request: PageRequest, sent_id: str) -> Response:
    segment = use_cases.get_segment(request.services, read_id(sent_id))
    assert segment.condition is not None
    return _page(request, segment, segment.name, form_of(as_json(segment.condition)), version=_version(segment))


def save_new(request: PageRequest) -> Response:
    return _submit(request, None, lambda fields: use_cases.make_segment(request.services, fields, None, request.author))


def save(request: PageRequest, sent_id: str) -> Response:
    segment, version = use_cases.get_segment(request.services, read_id(sent_id)), request.field("version")
    services, author, shown = request.services, request.author, Shown((version,), FIELD_NAMES)
    return _submit(
        request, segment, lambda fields: use_cases.change_segment(services, segment.id, fields, author, shown)
    )


@for_writers
def confirm_delete(request: PageRequest, sent_id: str) -> Response:
    segment = use_cases.get_segment(request.services, read_id(sent_id))
    return request.page("segment_question.html", segment=segment)


def delete(request: PageRequest, sent_id: str) -> Response:
    use_cases.delete_segment(request.services, read_id(sent_id), request.author)
    return request.redirect("/console/segments", done="deleted")


def _submit(request: PageRequest, segment: Segment | None, write: Callable[[SegmentFields], Segment]) -> Response:
    """Handles the buttons of the form: more conditions, count, and save."""
    form, name, version = read_form(request.form), request.field("name"), request.field("version")
    if request.field("step") == "rows":
        return _page(request, segment, name, form, more=MORE_ROWS, version=version)
    try:
        if request.field("step") == "count":
            return _page(request, segment, name, form, version=version, count=_count(request, form))
        write(cast(SegmentFields, read_fields({"name": name, "filter": form.sent}, SEGMENT, set(), partial=False)))
    except BadInput as refusal:
        return _page(request, segment, name, form, refusal.status_code, errors=refusal.errors, version=version)
    except Outdated as refusal:
        assert segment is not None
        now = use_cases.get_segment(request.services, segment.id)
        chosen = Filter(condition=now.condition)
        shown = what_has_changed(request, version, represent_segment(now), FIELD_NAMES, chosen)
        return _page(request, now, name, form, refusal.status_code, outdated=refusal.detail, **shown)
    return request.redirect("/console/segments", done="saved")


def _count(request: PageRequest, form: ConditionForm) -> tuple[int, bool]:
    fields = read_fields({"filter": form.sent}, {"filter": SEGMENT["filter"]}, set(), partial=False)
    condition = cast(SegmentFields, fields)["filter"]
    require_known_names(request.services, condition)
    return count_audience(request.services, Filter(condition=condition))


def _version(segment: Segment) -> str:
    return version_of(represent_segment(segment), FIELD_NAMES)


def _page(
    request: PageRequest,
    segment: Segment | None,
    name: str,
    form: ConditionForm,
    status_code: int = 200,
    errors: Mapping[str, Any] | None = None,
    more: int = 0,
    **shown: Any,
) -> Response:
    form = form.with_blank_rows(more)
    return request.page(
        "segment_form.html",
        status_code,
        segment=segment,
        name=name,
        condition=form,
        errors=errors or {},
        condition_errors=form.errors_by_row(errors or {}),
        condition_values=suggested_values(
            *(request.services.labels.read(kind, LABELS_SHOWN) for kind in (TAG, OPERATOR_CODE))
        ),
        names=suggested_placeholders(request.services),
        **{"count": None, "outdated": None, "changes": {}, "version": "", **shown},
    )
