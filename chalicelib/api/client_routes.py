"""The routes of clients, imports and the stop list, with an action for each method."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from ..domain.client_import import STOP_LIST
from ..http import exports
from ..http.calls import read_id
from . import clients, imports, stop_list
from .route import ROUTE, answer_route

client_routes = Blueprint(__name__)


@client_routes.route("/Clients", **ROUTE)
def client_list() -> Response:
    return answer_route(client_routes, {"GET": clients.list_, "POST": clients.create})


@client_routes.route("/Clients/{client_id}", **ROUTE)
def client_detail(client_id: str) -> Response:
    return answer_route(
        client_routes,
        {
            "GET": lambda call: clients.read(call, read_id(client_id)),
            "PUT": lambda call: clients.change(call, read_id(client_id), partial=False),
            "PATCH": lambda call: clients.change(call, read_id(client_id), partial=True),
            "DELETE": lambda call: clients.delete(call, read_id(client_id)),
        },
    )


@client_routes.route("/Clients/{client_id}/history", **ROUTE)
def client_history(client_id: str) -> Response:
    return answer_route(client_routes, {"GET": lambda call: clients.history(call, read_id(client_id))})


@client_routes.route("/Clients/{client_id}/opt_out", **ROUTE)
def client_opt_out(client_id: str) -> Response:
    return answer_route(client_routes, {"POST": lambda call: clients.opt_out(call, read_id(client_id))})


@client_routes.route("/Clients/{client_id}/opt_in", **ROUTE)
def client_opt_in(client_id: str) -> Response:
    return answer_route(client_routes, {"POST": lambda call: clients.opt_in(call, read_id(client_id))})


@client_routes.route("/Clients/{client_id}/withdraw_consent", **ROUTE)
def client_withdraw_consent(client_id: str) -> Response:
    return answer_route(client_routes, {"POST": lambda call: clients.withdraw_consent(call, read_id(client_id))})


@client_routes.route("/Clients/{client_id}/consent_report", **ROUTE)
def client_consent_report(client_id: str) -> Response:
    return answer_route(client_routes, {"GET": lambda call: exports.consent_report(call, read_id(client_id))})


@client_routes.route("/Clients/{client_id}/erase", **ROUTE)
def client_erase(client_id: str) -> Response:
    return answer_route(client_routes, {"POST": lambda call: clients.erase(call, read_id(client_id))})


@client_routes.route("/Clients/erase", **ROUTE)
def phone_erase() -> Response:
    return answer_route(client_routes, {"POST": clients.erase_phone})


@client_routes.route("/Clients/readmit", **ROUTE)
def phone_readmit() -> Response:
    return answer_route(client_routes, {"POST": clients.readmit})


@client_routes.route("/Clients/import", **ROUTE)
def import_list() -> Response:
    return answer_route(client_routes, {"GET": imports.list_, "POST": imports.create})


@client_routes.route("/Clients/import/{import_id}", **ROUTE)
def import_detail(import_id: str) -> Response:
    return answer_route(client_routes, {"GET": lambda call: imports.read(call, read_id(import_id))})


@client_routes.route("/Clients/import/{import_id}/start", **ROUTE)
def import_start(import_id: str) -> Response:
    return answer_route(client_routes, {"POST": lambda call: imports.start(call, read_id(import_id))})


@client_routes.route("/Clients/import/{import_id}/undo", **ROUTE)
def import_undo(import_id: str) -> Response:
    return answer_route(client_routes, {"POST": lambda call: imports.undo(call, read_id(import_id))})


@client_routes.route("/Clients/import/{import_id}/kept", **ROUTE)
def import_kept(import_id: str) -> Response:
    return answer_route(client_routes, {"GET": lambda call: imports.kept(call, read_id(import_id))})


@client_routes.route("/Clients/import/{import_id}/refused", **ROUTE)
def import_refused(import_id: str) -> Response:
    return answer_route(client_routes, {"GET": lambda call: exports.refused(call, read_id(import_id))})


@client_routes.route("/Clients/export", **ROUTE)
def client_export() -> Response:
    return answer_route(client_routes, {"GET": exports.clients})


@client_routes.route("/StopList", **ROUTE)
def stop_list_() -> Response:
    return answer_route(client_routes, {"GET": stop_list.list_, "POST": stop_list.add})


@client_routes.route("/StopList/import", **ROUTE)
def stop_list_import() -> Response:
    return answer_route(client_routes, {"POST": lambda call: imports.create(call, STOP_LIST)})


@client_routes.route("/StopList/export", **ROUTE)
def stop_list_export() -> Response:
    return answer_route(client_routes, {"GET": exports.stops})


@client_routes.route("/StopList/{phone_number}", **ROUTE)
def stop_detail(phone_number: str) -> Response:
    return answer_route(
        client_routes,
        {
            "GET": lambda call: stop_list.read(call, phone_number),
            "DELETE": lambda call: stop_list.remove(call, phone_number),
        },
    )
