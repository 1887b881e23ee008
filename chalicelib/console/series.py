"""Pages of series: the list, one series with its next starts and its mailings, and its steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import cast

from chalice.app import Response

from ..clients.segments import as_it_would_start
from ..domain.condition_text import describe_filter
from ..domain.series import Series
from ..errors import BadInput, NotFound
from ..http.calls import read_id
from ..http.paging import position_at
from ..mailings import series as use_cases
from ..rules import read_fields
from ..series_fields import SKIP
from ..texts import Text
from ..zones import zone
from .page_requests import PageRequest
from .restricted_pages import for_writers

LIST_LENGTH = 20
STARTS_SHOWN = 7

QUESTIONS = {"end": "End this series? No further mailing is made. This cannot be undone."}
Step = Callable[[PageRequest, int], Series]


def list_(request: PageRequest) -> Response:
    page = request.list_page(numbers=1, length=LIST_LENGTH)
    found, next_before_id = use_cases.list_series(request.services, page.number, page.limit)
    return request.page("series_list.html", found=found, next=request.next_page(page, position_at(next_before_id)))


def read(request: PageRequest, sent_id: str, status_code: int = 200, problem: Text | None = None) -> Response:
    """`problem`: why the step that was just submitted is refused."""
    series = use_cases.get_series(request.services, read_id(sent_id))
    starts = use_cases.next_starts(series, STARTS_SHOWN)
    local = zone(series.rule.timezone)
    mailings = request.services.mailings.get_many(series.mailing_ids)
    return request.page(
        "series.html",
        status_code,
        series=series,
        problem=problem,
        starts=[(start, start.astimezone(local)) for start in starts],
        hours=_hours(series),
        condition=describe_filter(as_it_would_start(request.services, series.mailing).chosen),
        mailings=[mailings[number] for number in series.mailing_ids if number in mailings],
        is_live=False,
        currency=request.services.settings.gateway_currency,
        done=request.query.get("done"),
    )


def _hours(series: Series) -> str:
    """12:00, or 31 days as 744:00."""
    minutes = series.length // timedelta(minutes=1)
    return f"{minutes // 60}:{minutes % 60:02}"


@for_writers
def confirm_step(request: PageRequest, sent_id: str, step: str) -> Response:
    """The page that asks for confirmation."""
    if step not in QUESTIONS:
        raise NotFound
    series = use_cases.get_series(request.services, read_id(sent_id))
    return request.page("series_question.html", series=series, step=step, question=QUESTIONS[step])


def take_step(request: PageRequest, sent_id: str, step: str) -> Response:
    if step not in STEPS:
        raise NotFound
    try:
        STEPS[step](request, read_id(sent_id))
    except BadInput as refusal:
        return read(request, sent_id, refusal.status_code, refusal.detail)
    return request.redirect(f"/console/series/{sent_id}", done=f"series_{step}")


def _skip(request: PageRequest, series_id: int) -> Series:
    day = read_fields({"date": request.field("date")}, SKIP, set(), partial=False)["date"]
    return use_cases.skip_day(request.services, series_id, cast(date, day), request.author)


STEPS: dict[str, Step] = {
    "pause": lambda request, series_id: use_cases.pause_series(request.services, series_id, request.author),
    "resume": lambda request, series_id: use_cases.resume_series(request.services, series_id, request.author),
    "end": lambda request, series_id: use_cases.end_series(request.services, series_id, request.author),
    "skip": _skip,
}
