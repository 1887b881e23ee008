"""`/Series/`: list, announce, read and change series; pause, resume and end them, and leave out days."""

from __future__ import annotations

from datetime import date
from typing import cast

from chalice.app import Response

from ..domain.series import Series
from ..domain.series_decisions import SeriesFields
from ..http.calls import Call
from ..http.paging import Listed, answer_page, position_at, read_page
from ..mailings import series as use_cases
from ..representation import represent_moment, represent_series
from ..rules import read_fields
from ..series_fields import SERIES, SERIES_READ_ONLY, SKIP
from .etags import answer_changed, answer_read, if_match, with_etag
from .idempotency import answer_idempotently, take_step

STARTS_SHOWN = 5


def list_(call: Call) -> Response:
    page, has_time = read_page(call.query, numbers=1), call.has_time

    def read(limit: int) -> Listed:
        found, next_before_id = use_cases.list_series(call.services, page.number, limit, has_time)
        return [_represent(series) for series in found], position_at(next_before_id)

    return Response(answer_page(call.url, call.query, page, read))


def create(call: Call) -> Response:
    fields = _read(call, partial=False)

    def announce(reserved_id: int | None) -> Response:
        series = use_cases.announce_series(call.services, fields, reserved_id, call.author)
        return Response(_represent(series), status_code=201)

    return with_etag(answer_idempotently(call, announce, new_id=lambda: use_cases.new_series_id(call.services, fields)))


def read(call: Call, series_id: int) -> Response:
    return answer_read(call, _represent(use_cases.get_series(call.services, series_id)))


def change(call: Call, series_id: int, partial: bool) -> Response:
    fields = _read(call, partial)
    with if_match(call) as shown:
        series = use_cases.change_series(call.services, series_id, fields, call.author, shown)
    return answer_changed(_represent(series), partial)


def pause(call: Call, series_id: int) -> Response:
    return take_step(call, lambda _: use_cases.pause_series(call.services, series_id, call.author), _represent)


def resume(call: Call, series_id: int) -> Response:
    return take_step(call, lambda _: use_cases.resume_series(call.services, series_id, call.author), _represent)


def end(call: Call, series_id: int) -> Response:
    return take_step(call, lambda _: use_cases.end_series(call.services, series_id, call.author), _represent)


def skip(call: Call, series_id: int) -> Response:
    day = cast(date, read_fields(call.body(), SKIP, set(), partial=False)["date"])
    return answer_idempotently(
        call, lambda _: Response(_represent(use_cases.skip_day(call.services, series_id, day, call.author)))
    )


def _represent(series: Series) -> dict[str, object]:
    starts = use_cases.next_starts(series, STARTS_SHOWN)
    return {**represent_series(series), "next_starts": [represent_moment(start) for start in starts]}


def _read(call: Call, partial: bool) -> SeriesFields:
    return cast(SeriesFields, read_fields(call.body(), SERIES, SERIES_READ_ONLY, partial))
