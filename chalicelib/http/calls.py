"""Calls of the API: the caller, the method and the body of a request, and the answers to refused calls."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from chalice.app import Request, Response

from ..access.audit import author_of
from ..access.tokens import authenticate
from ..adapters.services import Services
from ..domain.audit_record import Author
from ..domain.principal import Principal
from ..domain.walk import LIST_SECONDS, HasTime, time_limit
from ..errors import Conflict, MethodRefused, NotAllowed, NotFound, Refusal, TryAgain
from ..logs import add_log_keys, log
from ..texts import Text
from .bodies import read_body, read_file
from .queries import query_of, require_known_query

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Every route accepts every method, so that a wrong one gets a 405 in our format and not API Gateway's 403."""

SAFE = {"GET", "HEAD"}
OTHER_ROLE = Text("access.other_role")
UNAVAILABLE = "table or queue not available"
RETRY_AFTER = {"Retry-After": "5"}
"""With a 503. The service itself has tried for seconds: a partition that is over its limit has new capacity by then."""

ID = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class Call:
    """A request with its authenticated caller."""

    services: Services
    request: Request
    principal: Principal

    @property
    def author(self) -> Author:
        return author_of(self.services, self.principal.name)

    @property
    def query(self) -> dict[str, str]:
        return query_of(self.request)

    def body(self) -> dict[str, object]:
        return read_body(raw_body(self.request), self.request.headers.get("content-type"))

    def file(self) -> bytes:
        return read_file(raw_body(self.request), self.request.headers.get("content-type"))

    @property
    def has_time(self) -> HasTime:
        """The time for all reads of a list. It begins when this is asked for."""
        return time_limit(self.services.clock.now, LIST_SECONDS)

    @property
    def url(self) -> str:
        """The URL of this call, with the path as the caller wrote it."""
        path: str = self.request.to_original_event().get("path", self.request.context["path"])
        return base_url(self.services, self.request) + path


Action = Callable[[Call], Response]
Handler = TypeVar("Handler")


def raw_body(request: Request) -> bytes:
    """The body as bytes. Chalice passes a text body as `str` and a base64 body as `bytes`."""
    raw = request.raw_body
    return raw.encode() if isinstance(raw, str) else raw


def base_url(services: Services, request: Request) -> str:
    """The URL in front of every path of the service, without a final slash.

    API Gateway serves HTTPS only, finds the API by Host, and puts the stage in front of the path. X-Forwarded-* may
    come from any caller there, so only the stage `local` reads it: its front sets scheme and prefix.
    """
    stage_path: str = request.context["path"]
    path: str = request.to_original_event().get("path", stage_path)
    scheme, prefix = "https", stage_path.removesuffix(path)
    if services.settings.is_local:
        scheme, prefix = _forwarded(request, prefix)
    return f"{scheme}://{request.headers.get('host', '')}{prefix.rstrip('/')}"


def answer(
    services: Services,
    request: Request,
    actions: Mapping[str, Action],
    known_query: Sequence[str] = (),
    may: Callable[[Principal], bool] | None = None,
) -> Response:
    """Authenticates the caller, checks the method, the role and the query, and runs the action.

    `may`: which callers may change something here; by default those that may write.
    """

    def act() -> Response:
        principal = _principal(services, request)
        add_log_keys(who=principal.name)
        action = handler_for(request.method, actions)
        if request.method in SAFE or may is None:
            is_allowed = principal.may(writes=request.method not in SAFE)
        else:
            is_allowed = may(principal)
        if not is_allowed:
            raise NotAllowed(OTHER_ROLE) if principal.may(writes=True) else NotAllowed
        require_known_query(request, known_query)
        return action(Call(services, request, principal))

    return answer_refusals(act)


def answer_refusals(act: Callable[[], Response]) -> Response:
    """Turns refusals into their 4xx answers, and a throttled or failing table or queue into 503. Others are raised."""
    try:
        return _in_utf8(act())
    except Refusal as refusal:
        return Response(refusal.body, status_code=refusal.status_code, headers=refusal.headers)
    except Conflict:
        log.exception("write conflict after all retries")
        return Response({"detail": str(Text("request.conflict"))}, status_code=409)
    except TryAgain:
        log.exception(UNAVAILABLE)
        return Response({"detail": str(Text("request.unavailable"))}, status_code=503, headers=dict(RETRY_AFTER))


def _in_utf8(response: Response) -> Response:
    """Encodes JSON as Django REST framework does: without spaces, and with Cyrillic letters unescaped."""
    if not isinstance(response.body, str):
        response.body = json.dumps(response.body, ensure_ascii=False, separators=(",", ":"))
        response.headers["Content-Type"] = "application/json"
    return response


def _forwarded(request: Request, prefix: str) -> tuple[str, str]:
    """The scheme and the prefix by the local front. LocalStack writes the scheme in capitals.

    `chalice local` sets no API id and serves HTTP.
    """
    default = "https" if "apiId" in request.context else "http"
    scheme: str = request.headers.get("x-forwarded-proto", default)
    return scheme.partition(",")[0].strip().lower(), request.headers.get("x-forwarded-prefix", prefix)


def read_id(value: str) -> int:
    """Reads the id in a path. Raises NotFound if it is not a plain integer."""
    if not ID.fullmatch(value):
        raise NotFound
    return int(value)


def _principal(services: Services, request: Request) -> Principal:
    """The caller from API Gateway's authorizer. LocalStack calls no authorizer, so the token is checked here."""
    found = request.context.get("authorizer") or {}
    if found.get("name") and found.get("role"):
        return Principal(str(found["name"]), str(found["role"]))
    return authenticate(services, request.headers.get("authorization"))


def handler_for(method: str, handlers: Mapping[str, Handler]) -> Handler:
    """The handler of this method; HEAD uses the one of GET. Raises MethodRefused."""
    handled = "GET" if method == "HEAD" else method
    if handled not in handlers:
        allowed = [*handlers, "HEAD"] if "GET" in handlers else [*handlers]
        raise MethodRefused(method, allowed)
    return handlers[handled]
