"""Idempotency-Key, as Stripe has it: a repeated POST gets the first answer, and nothing is done a second time.

The id of what is to be made is reserved with the key, before it is made: a repetition of a request that died
half-way makes the same thing, and not another one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256

from chalice.app import Response

from ..access.idempotency import register_request
from ..access.tokens import digest
from ..errors import BadInput
from ..http.calls import Call
from ..texts import Text

KEY = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED = {"Idempotent-Replayed": "true"}


def answer_idempotently(
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
        raise BadInput.of_request(Text("request.idempotency_key"))
    name = digest(call.principal.name, key)
    sent = json.dumps(call.body(), sort_keys=True) if content is None else sha256(content).hexdigest()
    first = register_request(call.services, name, digest(call.request.method, call.url, sent), new_id)
    if first.status_code is not None:
        return Response(json.loads(first.body), status_code=first.status_code, headers=dict(REPLAYED))
    response = act(first.reserved_id or None)
    body = json.dumps(response.body, ensure_ascii=False)
    call.services.idempotency_keys.save_answer(name, response.status_code, body)
    return response
