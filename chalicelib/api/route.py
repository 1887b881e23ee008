"""What all routes of the API share: the authorizer, the methods, and how a call is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Blueprint, Response

from ..domain.principal import Principal
from ..http.calls import METHODS, Action, answer
from ..runtime import services
from .authorizer import token_auth
from .operations import known_query

# bodies.py checks the media type, so that the 415 has the format of the contract.
ROUTE: dict[str, Any] = {"methods": METHODS, "content_types": ["*/*"], "authorizer": token_auth}


def answer_route(
    blueprint: Blueprint, actions: Mapping[str, Action], may: Callable[[Principal], bool] | None = None
) -> Response:
    """`actions`: by method. Query parameters that the description does not name are refused. `may`: as for `answer`."""
    request = blueprint.current_request
    return answer(services(), request, actions, known_query(request.method, request.path), may)
