"""Pages of the stop list: the list with its search, the form that adds a number, and the question before a removal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalice.app import Response

from ..clients import stop_list
from ..domain.client import PHONE
from ..domain.phone import meant_phone
from ..domain.stop import BY_CONSOLE, MAX_MICROSECONDS, MAX_REASON, StopCause
from ..errors import BadInput, NotFound
from ..fields import STOP
from ..http.file_forms import TOO_LARGE
from ..http.phones import position_meant, position_shown
from ..rules import read_fields
from ..texts import Text
from .page_requests import PageRequest
from .restricted_pages import for_writers

LIST_LENGTH = 50
FORM = {name: STOP[name] for name in ("phone_number", "reason")}


def list_(request: PageRequest) -> Response:
    return _page(request)


def add(request: PageRequest) -> Response:
    values = {name: request.field(name).strip() for name in FORM}
    try:
        fields: dict[str, Any] = read_fields(values, FORM, set(), partial=False)
        cause = StopCause(BY_CONSOLE, fields["reason"])
        stop, is_new = stop_list.stop_number(request.services, fields["phone_number"], cause, request.author)
    except BadInput as refusal:
        return _page(request, refusal.status_code, values=values, errors=refusal.errors)
    done = "stopped" if is_new else "stopped_before"
    return request.redirect("/console/stop-list", phone_number=stop.phone_number, done=done)


@for_writers
def show_import(request: PageRequest, status_code: int = 200, problems: Sequence[Text] = ()) -> Response:
    """The upload of a file. `problems`: of the one that was just uploaded."""
    return request.page("stop_import.html", status_code, too_large=TOO_LARGE, problems=problems)


@for_writers
def confirm_removal(request: PageRequest, phone_number: str) -> Response:
    """The page that asks for confirmation."""
    return request.page("stop_question.html", stop=stop_list.get_stop(request.services, phone_number))


def remove(request: PageRequest, phone_number: str) -> Response:
    stop_list.resume_number(request.services, phone_number, request.author)
    return request.redirect("/console/stop-list", done="resumed")


def _page(
    request: PageRequest, status_code: int = 200, values: dict[str, str] | None = None, errors: Any = None
) -> Response:
    page = request.list_page(numbers=2, length=LIST_LENGTH, highest=MAX_MICROSECONDS)
    given = request.query.get("phone_number", "").strip()
    wanted = meant_phone(given) or given
    if wanted:
        stops, position = _found(request, wanted), None
    else:
        after = position_meant(request.services, request.principal, page.position)
        stops, following = stop_list.list_stops(request.services, after, page.limit)
        position = position_shown(request.services, request.principal, following)
    return request.page(
        "stop_list.html",
        status_code,
        stops=stops,
        next=request.next_page(page, position),
        wanted=wanted,
        is_number=bool(PHONE.fullmatch(wanted)),
        values=values or dict.fromkeys(FORM, ""),
        errors=errors or {},
        most=MAX_REASON,
        done=request.query.get("done"),
    )


def _found(request: PageRequest, phone_number: str) -> list[Any]:
    try:
        return [stop_list.get_stop(request.services, phone_number)]
    except NotFound:
        return []
