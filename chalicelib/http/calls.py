"""One call of the API: who calls, which method, what came in; and refusals as answers in the contract's shape."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from chalice.app import Request, Response

from ..access.audit import author_of
from ..access.tokens import authenticate
from ..adapters.services import Services
from ..domain.audit_record import Author
from ..domain.principal import Principal
from ..errors import Conflict, MethodRefused, NotAllowed, NotFound, Refusal
from ..logs import add_log_keys, log
from .bodies import read_body, read_file

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""Every address takes every method, so that a wrong one gets our 405 and not API Gateway's 403."""

SAFE = {"GET", "HEAD"}
ID = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class Call:
    """`query` has one value per parameter, the last one."""

    services: Services
    request: Request
    principal: Principal

    @property
    def author(self) -> Author:
        return author_of(self.services, self.principal.name)

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query_params or {})

    def body(self) -> dict[str, object]:
        return read_body(raw_body(self.request), self.request.headers.get("content-type"))

    def file(self) -> bytes:
        return read_file(raw_body(self.request), self.request.headers.get("content-type"))

    @property
    def url(self) -> str:
        """This call's own address, as the caller wrote it."""
        path: str = self.request.to_original_event().get("path", self.request.context["path"])
        return base_url(self.request) + path


Action = Callable[[Call], Response]
Chosen = TypeVar("Chosen")


def raw_body(request: Request) -> bytes:
    """Chalice hands a text as it came, and what was in base64 as bytes."""
    raw = request.raw_body
    return raw.encode() if isinstance(raw, str) else raw


def base_url(request: Request) -> str:
    """The address that all of ours stand under, without a final slash.

    API Gateway has the stage in front of the path; a proxy before it says X-Forwarded-Prefix instead.
    """
    headers = request.headers
    scheme = headers.get("x-forwarded-proto", "https").partition(",")[0]
    stage_path: str = request.context["path"]
    path: str = request.to_original_event().get("path", stage_path)
    prefix = headers.get("x-forwarded-prefix", stage_path.removesuffix(path)).rstrip("/")
    return f"{scheme}://{headers.get('host', '')}{prefix}"


def answer(services: Services, request: Request, actions: Mapping[str, Action]) -> Response:
    """Check who calls and what, then act."""

    def act() -> Response:
        principal = _principal(services, request)
        add_log_keys(who=principal.name)
        action = chosen(request.method, actions)
        if not principal.may(writes=request.method not in SAFE):
            raise NotAllowed
        return action(Call(services, request, principal))

    return answered(act)


def answered(act: Callable[[], Response]) -> Response:
    """What we refuse becomes its 4xx; any other error is raised."""
    try:
        return _in_utf8(act())
    except Refusal as refusal:
        return Response(refusal.body, status_code=refusal.status_code, headers=refusal.headers)
    except Conflict:
        log.exception("gave up after several tries")
        detail = "Other requests are changing the same thing right now: try again."
        return Response({"detail": detail}, status_code=409)


def _in_utf8(response: Response) -> Response:
    """JSON as Django REST framework writes it: Cyrillic as it is, and not as six characters for each letter."""
    if not isinstance(response.body, str):
        response.body = json.dumps(response.body, ensure_ascii=False, separators=(",", ":"))
        response.headers["Content-Type"] = "application/json"
    return response


def read_id(sent: str) -> int:
    """`{id}` of an address; anything but a plain integer is an address that does not exist."""
    if not ID.fullmatch(sent):
        raise NotFound
    return int(sent)


def _principal(services: Services, request: Request) -> Principal:
    """As API Gateway's authorizer found; where none was asked (LocalStack), we ask ourselves."""
    found = request.context.get("authorizer") or {}
    if found.get("name") and found.get("role"):
        return Principal(str(found["name"]), str(found["role"]))
    return authenticate(services, request.headers.get("authorization"))


def chosen(method: str, actions: Mapping[str, Chosen]) -> Chosen:
    """What this method does; raises MethodRefused."""
    wanted = "GET" if method == "HEAD" else method
    if wanted not in actions:
        allowed = [*actions, "HEAD"] if "GET" in actions else [*actions]
        raise MethodRefused(method, allowed)
    return actions[wanted]
