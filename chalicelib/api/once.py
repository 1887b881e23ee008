"""Idempotency-Key, as Stripe has it: a repeated POST gets the first answer, and nothing is done a second time.

The id of what is to be made is reserved with the key, before it is made: a repetition of a request that died
half-way makes the same thing, and not another one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

from chalice.app import Response

from ..domain.first_request import FirstRequest
from ..errors import BadInput, KeyReused, RowChanged
from .calls import Call

KEY = re.compile(r"[\x21-\x7e]{1,255}")
KEPT = timedelta(hours=24)
REPLAYED = {"Idempotent-Replayed": "true"}


def answer_once(
    call: Call,
    act: Callable[[int | None], Response],
    new_id: Callable[[], int] | None = None,
    content: bytes | None = None,
) -> Response:
    """What `act` answers, given the reserved id (None without a key). A refusal is not kept: it did nothing.

    `content`: what was sent, where it is a file and not fields.
    """
    key = call.request.headers.get("idempotency-key")
    if key is None:
        return act(None)
    if not KEY.fullmatch(key):
        raise BadInput.whole("Idempotency-Key: 1 to 255 printable ASCII characters without a space are expected.")
    name = _digest(call.principal.name, key)
    sent = json.dumps(call.body(), sort_keys=True) if content is None else sha256(content).hexdigest()
    first = _first_request(call, name, _digest(call.request.method, call.url, sent), new_id)
    if first.status_code is not None:
        return Response(json.loads(first.body), status_code=first.status_code, headers=dict(REPLAYED))
    response = act(first.reserved_id or None)
    call.outside.first_requests.answered(name, response.status_code, json.dumps(response.body, ensure_ascii=False))
    return response


def _first_request(call: Call, name: str, fingerprint: str, new_id: Callable[[], int] | None) -> FirstRequest:
    """What came first under this key: this request, or an earlier one that must be the same."""
    requests, now = call.outside.first_requests, call.outside.clock.now()
    first = requests.find(name, now)
    if first is None:
        mine = FirstRequest(fingerprint, new_id() if new_id else 0)
        try:
            requests.add(name, mine, now, now + KEPT)
            return mine
        except RowChanged:  # the same request, at the same time
            first = requests.find(name, now)
    if first is None:
        raise RowChanged
    if first.fingerprint != fingerprint:
        raise KeyReused
    return first


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()
