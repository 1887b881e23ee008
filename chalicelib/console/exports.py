"""Files that come down, in parts as they do from the API."""

from __future__ import annotations

from chalice.app import Response

from ..http import exports
from ..http.calls import Call, read_id
from .visits import Visit


def clients(visit: Visit) -> Response:
    return exports.clients(_call(visit))


def messages(visit: Visit, sent_id: str) -> Response:
    return exports.messages(_call(visit), read_id(sent_id))


def refused(visit: Visit, sent_id: str) -> Response:
    return exports.refused(_call(visit), read_id(sent_id))


def _call(visit: Visit) -> Call:
    return Call(visit.outside, visit.request, visit.principal)
