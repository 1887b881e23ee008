"""The routes of the console for clients, the stop list, imports and segments, with an action for each method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalice.app import Blueprint, Response

from ..runtime import services
from . import pages
from .routes import ROUTE

if TYPE_CHECKING:
    from .page_answers import Action

console_clients = Blueprint(__name__)


@console_clients.route("/console/clients", **ROUTE)
def client_list() -> Response:
    return _answer({"GET": pages.clients.list_})


@console_clients.route("/console/clients/new", **ROUTE)
def new_client() -> Response:
    return _answer({"GET": pages.clients.new, "POST": pages.clients.save_new})


@console_clients.route("/console/clients/export", **ROUTE)
def export_clients() -> Response:
    return _answer({"GET": pages.exports.clients})


@console_clients.route("/console/clients/{client_id}/consent-report", **ROUTE)
def export_consent(client_id: str) -> Response:
    return _answer({"GET": lambda request: pages.exports.consent_report(request, client_id)})


@console_clients.route("/console/clients/{client_id}", **ROUTE)
def client(client_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.clients.edit(request, client_id),
            "POST": lambda request: pages.clients.save(request, client_id),
        }
    )


@console_clients.route("/console/clients/{client_id}/{step}", **ROUTE)
def client_step(client_id: str, step: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.clients.confirm_step(request, client_id, step),
            "POST": lambda request: pages.clients.take_step(request, client_id, step),
        }
    )


@console_clients.route("/console/stop-list", **ROUTE)
def stop_list_page() -> Response:
    return _answer({"GET": pages.stop_list.list_, "POST": pages.stop_list.add})


@console_clients.route("/console/stop-list/import", **ROUTE)
def stop_list_import() -> Response:
    return _answer({"GET": pages.stop_list.show_import, "POST": pages.uploads.import_stops})


@console_clients.route("/console/stop-list/export", **ROUTE)
def export_stops() -> Response:
    return _answer({"GET": pages.exports.stops})


@console_clients.route("/console/stop-list/{phone_number}/remove", **ROUTE)
def remove_stop(phone_number: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.stop_list.confirm_removal(request, phone_number),
            "POST": lambda request: pages.stop_list.remove(request, phone_number),
        }
    )


@console_clients.route("/console/imports", **ROUTE)
def import_list() -> Response:
    return _answer({"GET": pages.imports.list_, "POST": pages.uploads.upload})


@console_clients.route("/console/imports/uploads/{upload_id}", **ROUTE)
def import_columns(upload_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.uploads.ask_columns(request, upload_id),
            "POST": lambda request: pages.uploads.import_upload(request, upload_id),
        }
    )


@console_clients.route("/console/imports/template", **ROUTE)
def import_template() -> Response:
    return _answer({"GET": pages.imports.template})


@console_clients.route("/console/imports/{import_id}/start", **ROUTE)
def import_start(import_id: str) -> Response:
    return _answer({"POST": lambda request: pages.imports.start(request, import_id)})


@console_clients.route("/console/imports/{import_id}/undo", **ROUTE)
def import_undo(import_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.imports.confirm_undo(request, import_id),
            "POST": lambda request: pages.imports.undo(request, import_id),
        }
    )


@console_clients.route("/console/imports/{import_id}", **ROUTE)
def import_detail(import_id: str) -> Response:
    return _answer({"GET": lambda request: pages.imports.read(request, import_id)})


@console_clients.route("/console/imports/{import_id}/refused", **ROUTE)
def import_refused(import_id: str) -> Response:
    return _answer({"GET": lambda request: pages.exports.refused(request, import_id)})


@console_clients.route("/console/segments", **ROUTE)
def segment_list() -> Response:
    return _answer({"GET": pages.segments.list_})


@console_clients.route("/console/segments/new", **ROUTE)
def new_segment() -> Response:
    return _answer({"GET": pages.segments.new, "POST": pages.segments.save_new})


@console_clients.route("/console/segments/{segment_id}/edit", **ROUTE)
def edit_segment(segment_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.segments.edit(request, segment_id),
            "POST": lambda request: pages.segments.save(request, segment_id),
        }
    )


@console_clients.route("/console/segments/{segment_id}/delete", **ROUTE)
def delete_segment(segment_id: str) -> Response:
    return _answer(
        {
            "GET": lambda request: pages.segments.confirm_delete(request, segment_id),
            "POST": lambda request: pages.segments.delete(request, segment_id),
        }
    )


def _answer(actions: dict[str, Action]) -> Response:
    return pages.page_answers.answer_page_request(services(), console_clients.current_request, actions)
