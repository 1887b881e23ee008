"""One visit of a page: who, in which language, what was sent; and refusals as pages that say what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from chalice.app import Request, Response

from ..access.audit import author_of
from ..adapters.services import Services
from ..domain.audit_record import Author
from ..domain.principal import Principal
from ..errors import BadInput, Conflict, MethodRefused, NotAllowed, Refusal, TooLarge
from ..http.bodies import BODY_LIMIT
from ..http.calls import base_url, raw_body
from ..http.pages import page
from ..logs import add_log_keys, log
from ..texts import ENGLISH, LANGUAGES, Text
from .session import Session, form_token, is_form_token, read_session

TEMPLATES = Path(__file__).parent / "templates"
METHODS = ["GET", "HEAD", "POST"]
CSRF_FIELD, CSRF_HEADER = "csrf", "x-csrf-token"


@dataclass(frozen=True)
class PageRequest:
    """`session` is None on the pages that are open to everybody."""

    services: Services
    raw_request: Request
    session: Session | None = None

    @property
    def principal(self) -> Principal:
        if self.session is None:
            raise ValueError("nobody is signed in on an open page")
        return self.session.user.principal

    @property
    def author(self) -> Author:
        return author_of(self.services, self.principal.name)

    @cached_property
    def prefix(self) -> str:
        """What stands before `/console` in our addresses: API Gateway's stage, or nothing."""
        return urlsplit(base_url(self.raw_request)).path

    @property
    def path(self) -> str:
        """This page's own address, after the prefix."""
        path: str = self.raw_request.context["resourcePath"]
        for name, value in (self.raw_request.uri_params or {}).items():
            path = path.replace(f"{{{name}}}", value)
        return path

    @property
    def is_secure(self) -> bool:
        return base_url(self.raw_request).startswith("https:")

    @cached_property
    def language(self) -> str:
        return language_of(self.raw_request.headers.get("accept-language", ""))

    @property
    def query(self) -> dict[str, str]:
        return dict(self.raw_request.query_params or {})

    @cached_property
    def form(self) -> dict[str, list[str]]:
        """What a form sent, its lines ended as in the text that was typed."""
        raw = raw_body(self.raw_request)
        if len(raw) > BODY_LIMIT:
            raise TooLarge(Text("console.form_too_large", most=BODY_LIMIT // 1024))
        try:
            sent = parse_qs(raw.decode("utf-8"), keep_blank_values=True, errors="strict")
        except ValueError as error:
            raise BadInput.of_request(Text("console.form_not_utf8")) from error
        return {name: [value.replace("\r\n", "\n") for value in values] for name, values in sent.items()}

    def field(self, name: str) -> str:
        return self.form.get(name, [""])[-1]

    def say(self, text: Text) -> str:
        return text.told(self.language)

    def page(self, template: str, status_code: int = 200, **values: Any) -> Response:
        session = self.session
        known: dict[str, Any] = {
            "prefix": self.prefix,
            "path": self.path,
            "user": session.user.principal if session else None,
            "csrf": form_token(self.services, session) if session else "",
            "is_local": self.services.settings.is_local,
        }
        return page(TEMPLATES, template, status_code, language=self.language, **(known | values))

    def go(self, path: str, **query: object) -> Response:
        """Elsewhere in the console, with a GET."""
        address = f"{self.prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        return Response("", status_code=303, headers={"Location": address, "Cache-Control": "no-store"})


Action = Callable[[PageRequest], Response]


def answer_page_request(
    services: Services, raw_request: Request, actions: Mapping[str, Action], is_open: bool = False
) -> Response:
    """Check who visits and what was sent, then act. What we refuse becomes a page; any other error is raised."""
    request = PageRequest(services, raw_request)
    try:
        if not is_open:
            session = read_session(services, raw_request.headers.get("cookie"))
            if session is None:
                return _to_sign_in(request)
            request = replace(request, session=session)
            add_log_keys(who=request.principal.name)
        return _act(request, actions)
    except Refusal as refusal:
        return _refused(request, refusal.status_code, _text(request, refusal), refusal.headers)
    except Conflict:
        log.exception("gave up after several tries")
        return _refused(request, 409, request.say(Text("console.conflict")), {})


def language_of(accepted: str) -> str:
    """The first language of Accept-Language (RFC 9110, 12.5.4) that we have; browsers put the best one first."""
    wanted = (part.partition(";")[0].strip().lower().partition("-")[0] for part in accepted.split(","))
    return next((language for language in wanted if language in LANGUAGES), ENGLISH)


def _act(request: PageRequest, actions: Mapping[str, Action]) -> Response:
    method = "GET" if request.raw_request.method == "HEAD" else request.raw_request.method
    if method not in actions:
        raise MethodRefused(method, [*actions])
    if method == "POST":
        _require_own_form(request)
    return actions[method](request)


def _require_own_form(request: PageRequest) -> None:
    """From a page of ours, and by somebody who may change things. Browsers say where a request comes from."""
    headers = request.raw_request.headers
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise NotAllowed(Text("console.other_site"))
    if request.session is None:
        return
    sent = headers.get(CSRF_HEADER) or request.field(CSRF_FIELD)
    if not is_form_token(request.services, request.session, sent):
        raise NotAllowed(Text("console.old_form"))
    if not request.principal.may(writes=True) and not request.path.endswith("/sign-out"):
        raise NotAllowed(Text("console.read_only"))


def _to_sign_in(request: PageRequest) -> Response:
    if request.raw_request.method == "POST" or request.raw_request.headers.get("sec-fetch-dest") == "empty":
        return _refused(request, 401, request.say(Text("console.signed_out")), {})
    return request.go("/console/sign-in", next=request.path)


def _refused(request: PageRequest, status_code: int, text: str, headers: Mapping[str, str | list[str]]) -> Response:
    response = request.page("refused.html", status_code, text=text)
    response.headers |= {name: value for name, value in headers.items() if name != "WWW-Authenticate"}
    return response


def _text(request: PageRequest, refusal: Refusal) -> str:
    """What is wrong as a whole, or each field with what is wrong with it."""
    if not isinstance(refusal, BadInput) or not refusal.fields:
        return request.say(refusal.detail)
    return " ".join(f"{name}: {' '.join(map(request.say, wrong))}" for name, wrong in refusal.fields.items())
