"""The routes of statistics, the audit and delivery receipts, with an action for each method."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from ..http import exports
from ..http.calls import METHODS, read_id
from ..runtime import services
from . import audit, metrics, provider_receipts, receipts, stats
from .route import ROUTE, answer_route

statistics_routes = Blueprint(__name__)


@statistics_routes.route("/Stats", **ROUTE)
def stats_list() -> Response:
    return answer_route(statistics_routes, {"GET": stats.list_})


@statistics_routes.route("/Stats/{mailing_id}", **ROUTE)
def stats_detail(mailing_id: str) -> Response:
    return answer_route(statistics_routes, {"GET": lambda call: stats.read(call, read_id(mailing_id))})


@statistics_routes.route("/Stats/{mailing_id}/export", **ROUTE)
def stats_export(mailing_id: str) -> Response:
    return answer_route(statistics_routes, {"GET": lambda call: exports.messages(call, read_id(mailing_id))})


@statistics_routes.route("/Audit", **ROUTE)
def audit_list() -> Response:
    return answer_route(statistics_routes, {"GET": audit.list_})


@statistics_routes.route("/metrics", **ROUTE)
def metrics_text() -> Response:
    return answer_route(statistics_routes, {"GET": metrics.read})


@statistics_routes.route("/Receipts", methods=METHODS, content_types=["*/*"])
def receipt_list() -> Response:
    """No authorizer: the gateway sends a shared secret instead of a token."""
    return receipts.answer(services(), statistics_routes.current_request)


@statistics_routes.route("/Receipts/{gateway}/{key}", methods=METHODS, content_types=["*/*"])
def receipts_of_provider(gateway: str, key: str) -> Response:
    """No authorizer: the secret is in the path."""
    return provider_receipts.answer(services(), statistics_routes.current_request, gateway, key)
