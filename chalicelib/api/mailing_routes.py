"""The routes of mailings, segments and series, with an action for each method."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from ..http.calls import read_id
from . import mailings, previews, segments, series
from .route import ROUTE, answer_route

mailing_routes = Blueprint(__name__)


@mailing_routes.route("/Mailing", **ROUTE)
def mailing_list() -> Response:
    return answer_route(mailing_routes, {"GET": mailings.list_, "POST": mailings.create})


@mailing_routes.route("/Mailing/preview", **ROUTE)
def mailing_preview() -> Response:
    return answer_route(mailing_routes, {"POST": previews.show_preview})


@mailing_routes.route("/Mailing/{mailing_id}", **ROUTE)
def mailing_detail(mailing_id: str) -> Response:
    return answer_route(
        mailing_routes,
        {
            "GET": lambda call: mailings.read(call, read_id(mailing_id)),
            "PUT": lambda call: mailings.change(call, read_id(mailing_id), partial=False),
            "PATCH": lambda call: mailings.change(call, read_id(mailing_id), partial=True),
            "DELETE": lambda call: mailings.delete(call, read_id(mailing_id)),
        },
    )


@mailing_routes.route("/Mailing/{mailing_id}/pause", **ROUTE)
def mailing_pause(mailing_id: str) -> Response:
    return answer_route(mailing_routes, {"POST": lambda call: mailings.pause(call, read_id(mailing_id))})


@mailing_routes.route("/Mailing/{mailing_id}/resume", **ROUTE)
def mailing_resume(mailing_id: str) -> Response:
    return answer_route(mailing_routes, {"POST": lambda call: mailings.resume(call, read_id(mailing_id))})


@mailing_routes.route("/Mailing/{mailing_id}/cancel", **ROUTE)
def mailing_cancel(mailing_id: str) -> Response:
    return answer_route(mailing_routes, {"POST": lambda call: mailings.cancel(call, read_id(mailing_id))})


@mailing_routes.route("/Mailing/{mailing_id}/approve", **ROUTE)
def mailing_approve(mailing_id: str) -> Response:
    return answer_route(
        mailing_routes,
        {"POST": lambda call: mailings.approve(call, read_id(mailing_id))},
        may=lambda principal: principal.may_approve,
    )


@mailing_routes.route("/Mailing/{mailing_id}/resend", **ROUTE)
def mailing_resend(mailing_id: str) -> Response:
    return answer_route(mailing_routes, {"POST": lambda call: mailings.resend(call, read_id(mailing_id))})


@mailing_routes.route("/Segments", **ROUTE)
def segments_list() -> Response:
    return answer_route(mailing_routes, {"GET": segments.list_, "POST": segments.create})


@mailing_routes.route("/Segments/{segment_id}", **ROUTE)
def segment_detail(segment_id: str) -> Response:
    return answer_route(
        mailing_routes,
        {
            "GET": lambda call: segments.read(call, read_id(segment_id)),
            "PUT": lambda call: segments.change(call, read_id(segment_id), partial=False),
            "PATCH": lambda call: segments.change(call, read_id(segment_id), partial=True),
            "DELETE": lambda call: segments.delete(call, read_id(segment_id)),
        },
    )


@mailing_routes.route("/Segments/{segment_id}/count", **ROUTE)
def segment_count(segment_id: str) -> Response:
    return answer_route(mailing_routes, {"GET": lambda call: segments.count(call, read_id(segment_id))})


@mailing_routes.route("/Series", **ROUTE)
def series_list() -> Response:
    return answer_route(mailing_routes, {"GET": series.list_, "POST": series.create})


@mailing_routes.route("/Series/{series_id}", **ROUTE)
def series_detail(series_id: str) -> Response:
    return answer_route(
        mailing_routes,
        {
            "GET": lambda call: series.read(call, read_id(series_id)),
            "PUT": lambda call: series.change(call, read_id(series_id), partial=False),
            "PATCH": lambda call: series.change(call, read_id(series_id), partial=True),
        },
    )


@mailing_routes.route("/Series/{series_id}/pause", **ROUTE)
def series_pause(series_id: str) -> Response:
    return answer_route(mailing_routes, {"POST": lambda call: series.pause(call, read_id(series_id))})


@mailing_routes.route("/Series/{series_id}/resume", **ROUTE)
def series_resume(series_id: str) -> Response:
    return answer_route(mailing_routes, {"POST": lambda call: series.resume(call, read_id(series_id))})


@mailing_routes.route("/Series/{series_id}/end", **ROUTE)
def series_end(series_id: str) -> Response:
    return answer_route(mailing_routes, {"POST": lambda call: series.end(call, read_id(series_id))})


@mailing_routes.route("/Series/{series_id}/skip", **ROUTE)
def series_skip(series_id: str) -> Response:
    return answer_route(mailing_routes, {"POST": lambda call: series.skip(call, read_id(series_id))})
