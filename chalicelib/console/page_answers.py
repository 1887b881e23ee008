"""How the console answers a request: it checks the session, the role and the form; refusals become pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from chalice.app import Request, Response

from ..adapters.services import Services
from ..domain.principal import Principal
from ..errors import BadInput, Conflict, MethodRefused, NotAllowed, NotFound, Refusal, TryAgain
from ..http.calls import RETRY_AFTER, UNAVAILABLE
from ..logs import add_log_keys, log
from ..texts import Text
from .interrupted_form import to_sign_in
from .own_addresses import SIGN_OUT
from .page_requests import PageRequest
from .session import is_form_token, read_session

OF_ONESELF = (SIGN_OUT, "/console/sessions")
"""Pages whose forms every user may send."""

CSRF_FIELD = "csrf"

Action = Callable[[PageRequest], Response]


def answer_page_request(
    services: Services,
    raw_request: Request,
    actions: Mapping[str, Action],
    is_open: bool = False,
    admins_alone: bool = False,
    may: Callable[[Principal], bool] | None = None,
) -> Response:
    """Checks the session, the role and the form, then runs the action.

    `may`: who may change something here; by default those that may write. Refusals, and a throttled or failing table
    or queue, become pages; other errors are raised.
    """
    request = PageRequest(services, raw_request)
    try:
        if not is_open:
            session = read_session(services, raw_request.headers.get("cookie"))
            if session is None:
                return to_sign_in(request)
            request = replace(request, session=session)
            add_log_keys(who=request.principal.name)
            if admins_alone and not request.principal.is_admin:
                raise NotAllowed(Text("access.admins_alone"))
        return _act(request, actions, may)
    except Refusal as refusal:
        template = "not_found.html" if isinstance(refusal, NotFound) else "refused.html"
        errors = refusal.fields if isinstance(refusal, BadInput) else {}
        return request.refusal_page(refusal, template, text=request.localized(refusal.detail), errors=errors)
    except Conflict:
        log.exception("write conflict after all retries")
        return request.page("refused.html", 409, text=request.localized(Text("console.conflict")))
    except TryAgain:
        log.exception(UNAVAILABLE)
        response = request.page("refused.html", 503, text=request.localized(Text("console.unavailable")))
        response.headers |= RETRY_AFTER
        return response


def _act(request: PageRequest, actions: Mapping[str, Action], may: Callable[[Principal], bool] | None) -> Response:
    method = "GET" if request.raw_request.method == "HEAD" else request.raw_request.method
    if method not in actions:
        raise MethodRefused(method, [*actions])
    if method == "POST":
        _require_own_form(request, may)
    return actions[method](request)


def _require_own_form(request: PageRequest, may: Callable[[Principal], bool] | None) -> None:
    """Refuses forms of other sites and of read-only users. Raises NotAllowed."""
    if not request.is_from_own_site:
        raise NotAllowed(Text("console.other_site"))
    if request.session is None:
        return
    if not is_form_token(request.services, request.session, request.field(CSRF_FIELD)):
        raise NotAllowed(Text("console.old_form"))
    is_allowed = may(request.principal) if may else request.may_write
    if not is_allowed and not request.path.startswith(OF_ONESELF):
        raise NotAllowed(Text("console.read_only"))
