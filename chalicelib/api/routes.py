"""The routes of the API, with an action for each method."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from ..domain.client_import import STOP_LIST
from ..http import exports
from ..http.calls import METHODS, Action, answer, read_id
from ..runtime import services
from . import (
    audit,
    clients,
    imports,
    mailings,
    metrics,
    previews,
    provider_receipts,
    receipts,
    segments,
    series,
    stats,
    stop_list,
)
from .authorizer import token_auth
from .operations import known_query

routes = Blueprint(__name__)

# bodies.py checks the media type, so that the 415 has the format of the contract.
ROUTE: dict[str, Any] = {"methods": METHODS, "content_types": ["*/*"], "authorizer": token_auth}


@routes.route("/Clients", **ROUTE)
def client_list() -> Response:
    return _answer({"GET": clients.list_, "POST": clients.create})


@routes.route("/Clients/{client_id}", **ROUTE)
def client_detail(client_id: str) -> Response:
    return _answer(
        {
            "GET": lambda call: clients.read(call, read_id(client_id)),
            "PUT": lambda call: clients.change(call, read_id(client_id), partial=False),
            "PATCH": lambda call: clients.change(call, read_id(client_id), partial=True),
            "DELETE": lambda call: clients.delete(call, read_id(client_id)),
        }
    )


@routes.route("/Clients/{client_id}/history", **ROUTE)
def client_history(client_id: str) -> Response:
    return _answer({"GET": lambda call: clients.history(call, read_id(client_id))})


@routes.route("/Clients/{client_id}/opt_out", **ROUTE)
def client_opt_out(client_id: str) -> Response:
    return _answer({"POST": lambda call: clients.opt_out(call, read_id(client_id))})


@routes.route("/Clients/{client_id}/opt_in", **ROUTE)
def client_opt_in(client_id: str) -> Response:
    return _answer({"POST": lambda call: clients.opt_in(call, read_id(client_id))})


@routes.route("/Clients/{client_id}/withdraw_consent", **ROUTE)
def client_withdraw_consent(client_id: str) -> Response:
    return _answer({"POST": lambda call: clients.withdraw_consent(call, read_id(client_id))})


@routes.route("/Clients/{client_id}/consent_report", **ROUTE)
def client_consent_report(client_id: str) -> Response:
    return _answer({"GET": lambda call: exports.consent_report(call, read_id(client_id))})


@routes.route("/Clients/{client_id}/erase", **ROUTE)
def client_erase(client_id: str) -> Response:
    return _answer({"POST": lambda call: clients.erase(call, read_id(client_id))})


@routes.route("/Clients/erase", **ROUTE)
def phone_erase() -> Response:
    return _answer({"POST": clients.erase_phone})


@routes.route("/Clients/readmit", **ROUTE)
def phone_readmit() -> Response:
    return _answer({"POST": clients.readmit})


@routes.route("/Clients/import", **ROUTE)
def import_list() -> Response:
    return _answer({"GET": imports.list_, "POST": imports.create})


@routes.route("/Clients/import/{import_id}", **ROUTE)
def import_detail(import_id: str) -> Response:
    return _answer({"GET": lambda call: imports.read(call, read_id(import_id))})


@routes.route("/Clients/import/{import_id}/start", **ROUTE)
def import_start(import_id: str) -> Response:
    return _answer({"POST": lambda call: imports.start(call, read_id(import_id))})


@routes.route("/Clients/import/{import_id}/undo", **ROUTE)
def import_undo(import_id: str) -> Response:
    return _answer({"POST": lambda call: imports.undo(call, read_id(import_id))})


@routes.route("/Clients/import/{import_id}/kept", **ROUTE)
def import_kept(import_id: str) -> Response:
    return _answer({"GET": lambda call: imports.kept(call, read_id(import_id))})


@routes.route("/Clients/import/{import_id}/refused", **ROUTE)
def import_refused(import_id: str) -> Response:
    return _answer({"GET": lambda call: exports.refused(call, read_id(import_id))})


@routes.route("/Clients/export", **ROUTE)
def client_export() -> Response:
    return _answer({"GET": exports.clients})


@routes.route("/StopList", **ROUTE)
def stop_list_() -> Response:
    return _answer({"GET": stop_list.list_, "POST": stop_list.add})


@routes.route("/StopList/import", **ROUTE)
def stop_list_import() -> Response:
    return _answer({"POST": lambda call: imports.create(call, STOP_LIST)})


@routes.route("/StopList/export", **ROUTE)
def stop_list_export() -> Response:
    return _answer({"GET": exports.stops})


@routes.route("/StopList/{phone_number}", **ROUTE)
def stop_detail(phone_number: str) -> Response:
    return _answer(
        {
            "GET": lambda call: stop_list.read(call, phone_number),
            "DELETE": lambda call: stop_list.remove(call, phone_number),
        }
    )


@routes.route("/Mailing", **ROUTE)
def mailing_list() -> Response:
    return _answer({"GET": mailings.list_, "POST": mailings.create})


@routes.route("/Mailing/preview", **ROUTE)
def mailing_preview() -> Response:
    return _answer({"POST": previews.show_preview})


@routes.route("/Mailing/{mailing_id}", **ROUTE)
def mailing_detail(mailing_id: str) -> Response:
    return _answer(
        {
            "GET": lambda call: mailings.read(call, read_id(mailing_id)),
            "PUT": lambda call: mailings.change(call, read_id(mailing_id), partial=False),
            "PATCH": lambda call: mailings.change(call, read_id(mailing_id), partial=True),
            "DELETE": lambda call: mailings.delete(call, read_id(mailing_id)),
        }
    )


@routes.route("/Mailing/{mailing_id}/pause", **ROUTE)
def mailing_pause(mailing_id: str) -> Response:
    return _answer({"POST": lambda call: mailings.pause(call, read_id(mailing_id))})


@routes.route("/Mailing/{mailing_id}/resume", **ROUTE)
def mailing_resume(mailing_id: str) -> Response:
    return _answer({"POST": lambda call: mailings.resume(call, read_id(mailing_id))})


@routes.route("/Mailing/{mailing_id}/cancel", **ROUTE)
def mailing_cancel(mailing_id: str) -> Response:
    return _answer({"POST": lambda call: mailings.cancel(call, read_id(mailing_id))})


@routes.route("/Mailing/{mailing_id}/resend", **ROUTE)
def mailing_resend(mailing_id: str) -> Response:
    return _answer({"POST": lambda call: mailings.resend(call, read_id(mailing_id))})


@routes.route("/Segments", **ROUTE)
def segments_list() -> Response:
    return _answer({"GET": segments.list_, "POST": segments.create})


@routes.route("/Segments/{segment_id}", **ROUTE)
def segment_detail(segment_id: str) -> Response:
    return _answer(
        {
            "GET": lambda call: segments.read(call, read_id(segment_id)),
            "PUT": lambda call: segments.change(call, read_id(segment_id), partial=False),
            "PATCH": lambda call: segments.change(call, read_id(segment_id), partial=True),
            "DELETE": lambda call: segments.delete(call, read_id(segment_id)),
        }
    )


@routes.route("/Segments/{segment_id}/count", **ROUTE)
def segment_count(segment_id: str) -> Response:
    return _answer({"GET": lambda call: segments.count(call, read_id(segment_id))})


@routes.route("/Series", **ROUTE)
def series_list() -> Response:
    return _answer({"GET": series.list_, "POST": series.create})


@routes.route("/Series/{series_id}", **ROUTE)
def series_detail(series_id: str) -> Response:
    return _answer(
        {
            "GET": lambda call: series.read(call, read_id(series_id)),
            "PUT": lambda call: series.change(call, read_id(series_id), partial=False),
            "PATCH": lambda call: series.change(call, read_id(series_id), partial=True),
        }
    )


@routes.route("/Series/{series_id}/pause", **ROUTE)
def series_pause(series_id: str) -> Response:
    return _answer({"POST": lambda call: series.pause(call, read_id(series_id))})


@routes.route("/Series/{series_id}/resume", **ROUTE)
def series_resume(series_id: str) -> Response:
    return _answer({"POST": lambda call: series.resume(call, read_id(series_id))})


@routes.route("/Series/{series_id}/end", **ROUTE)
def series_end(series_id: str) -> Response:
    return _answer({"POST": lambda call: series.end(call, read_id(series_id))})


@routes.route("/Series/{series_id}/skip", **ROUTE)
def series_skip(series_id: str) -> Response:
    return _answer({"POST": lambda call: series.skip(call, read_id(series_id))})


@routes.route("/Stats", **ROUTE)
def stats_list() -> Response:
    return _answer({"GET": stats.list_})


@routes.route("/Stats/{mailing_id}", **ROUTE)
def stats_detail(mailing_id: str) -> Response:
    return _answer({"GET": lambda call: stats.read(call, read_id(mailing_id))})


@routes.route("/Stats/{mailing_id}/export", **ROUTE)
def stats_export(mailing_id: str) -> Response:
    return _answer({"GET": lambda call: exports.messages(call, read_id(mailing_id))})


@routes.route("/Audit", **ROUTE)
def audit_list() -> Response:
    return _answer({"GET": audit.list_})


@routes.route("/metrics", **ROUTE)
def metrics_text() -> Response:
    return _answer({"GET": metrics.read})


@routes.route("/Receipts", methods=METHODS, content_types=["*/*"])
def receipt_list() -> Response:
    """No authorizer: the gateway sends a shared secret instead of a token."""
    return receipts.answer(services(), routes.current_request)


@routes.route("/Receipts/{gateway}/{key}", methods=METHODS, content_types=["*/*"])
def receipts_of_provider(gateway: str, key: str) -> Response:
    """No authorizer: the secret is in the path."""
    return provider_receipts.answer(services(), routes.current_request, gateway, key)


def _answer(actions: dict[str, Action]) -> Response:
    request = routes.current_request
    return answer(services(), request, actions, known_query(request.method, request.path))
