"""The routes of the console for clients, the stop list, imports and segments, with an action for each method."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from ..domain.client_import import STOP_LIST
from ..runtime import services
from . import clients, exports, imports, segments, stop_list
from .page_requests import Action, answer_page_request
from .routes import ROUTE

console_clients = Blueprint(__name__)


@console_clients.route("/console/clients", **ROUTE)
def client_list() -> Response:
    return _answer({"GET": clients.list_})


@console_clients.route("/console/clients/new", **ROUTE)
def new_client() -> Response:
    return _answer({"GET": clients.new, "POST": clients.save_new})


@console_clients.route("/console/clients/export", **ROUTE)
def export_clients() -> Response:
    return _answer({"GET": exports.clients})


@console_clients.route("/console/clients/{client_id}/consent-report", **ROUTE)
def export_consent(client_id: str) -> Response:
    return _answer({"GET": lambda request: exports.consent_report(request, client_id)})


@console_clients.route("/console/clients/{client_id}", **ROUTE)
def client(client_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: clients.edit(request, client_id),
            "POST": lambda request: clients.save(request, client_id),
        }
    )


@console_clients.route("/console/clients/{client_id}/{step}", **ROUTE)
def client_step(client_id: str, step: str) -> Response:
    return _answer(
        {
            "GET": lambda request: clients.confirm_step(request, client_id, step),
            "POST": lambda request: clients.take_step(request, client_id, step),
        }
    )


@console_clients.route("/console/stop-list", **ROUTE)
def stop_list_page() -> Response:
    return _answer({"GET": stop_list.list_, "POST": stop_list.add})


@console_clients.route("/console/stop-list/import", **ROUTE)
def stop_list_import() -> Response:
    return _answer({"GET": stop_list.show_import, "POST": lambda request: imports.create(request, STOP_LIST)})


@console_clients.route("/console/stop-list/export", **ROUTE)
def export_stops() -> Response:
    return _answer({"GET": exports.stops})


@console_clients.route("/console/stop-list/{phone_number}/remove", **ROUTE)
def remove_stop(phone_number: str) -> Response:
    return _answer(
        {
            "GET": lambda request: stop_list.confirm_removal(request, phone_number),
            "POST": lambda request: stop_list.remove(request, phone_number),
        }
    )


@console_clients.route("/console/imports", **ROUTE)
def import_list() -> Response:
    return _answer({"GET": imports.list_, "POST": imports.create})


@console_clients.route("/console/imports/columns", **ROUTE)
def import_columns() -> Response:
    return _answer({"POST": imports.look})


@console_clients.route("/console/imports/template", **ROUTE)
def import_template() -> Response:
    return _answer({"GET": imports.template})


@console_clients.route("/console/imports/{import_id}/start", **ROUTE)
def import_start(import_id: str) -> Response:
    return _answer({"POST": lambda request: imports.start(request, import_id)})


@console_clients.route("/console/imports/{import_id}/undo", **ROUTE)
def import_undo(import_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: imports.confirm_undo(request, import_id),
            "POST": lambda request: imports.undo(request, import_id),
        }
    )


@console_clients.route("/console/imports/{import_id}", **ROUTE)
def import_detail(import_id: str) -> Response:
    return _answer({"GET": lambda request: imports.read(request, import_id)})


@console_clients.route("/console/imports/{import_id}/refused", **ROUTE)
def import_refused(import_id: str) -> Response:
    return _answer({"GET": lambda request: exports.refused(request, import_id)})


@console_clients.route("/console/segments", **ROUTE)
def segment_list() -> Response:
    return _answer({"GET": segments.list_})


@console_clients.route("/console/segments/new", **ROUTE)
def new_segment() -> Response:
    return _answer({"GET": segments.new, "POST": segments.save_new})


@console_clients.route("/console/segments/{segment_id}/edit", **ROUTE)
def edit_segment(segment_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: segments.edit(request, segment_id),
            "POST": lambda request: segments.save(request, segment_id),
        }
    )


@console_clients.route("/console/segments/{segment_id}/delete", **ROUTE)
def delete_segment(segment_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: segments.confirm_delete(request, segment_id),
            "POST": lambda request: segments.delete(request, segment_id),
        }
    )


def _answer(actions: dict[str, Action]) -> Response:
    return answer_page_request(services(), console_clients.current_request, actions)
