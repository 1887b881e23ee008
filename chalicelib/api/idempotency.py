"""The Idempotency-Key header, as Stripe defines it: a repeated POST returns the first answer and changes nothing.

The id of a new object is reserved together with the key, before the object is written. If the process dies in
between, a repeated request creates the object with the same id. A key belongs to its token, and two tokens may have
one name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from chalice.app import Response

from ..access.idempotency import register_request
from ..access.tokens import digest, digest_of_header
from ..errors import BadInput
from ..http.calls import Call
from ..rules import read_fields
from ..texts import Text

T = TypeVar("T")

KEY = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED = {"Idempotent-Replayed": "true"}


def answer_idempotently(
    call: Call,
    act: Callable[[int | None], Response],
    new_id: Callable[[], int] | None = None,
    content: bytes | None = None,
) -> Response:
    """Calls `act` with the reserved id (None without a key) and stores its answer. Refusals are not stored.

    `content`: the bytes of an uploaded file, if the body is a file. Raises BadInput, KeyReused.
    """
    key = call.request.headers.get("idempotency-key")
    if key is None:
        return act(None)
    if not KEY.fullmatch(key):
        raise BadInput.of_request(Text("request.idempotency_key"))
    name = digest(digest_of_header(call.request.headers.get("authorization")), key)
    body = json.dumps(call.body(), sort_keys=True) if content is None else sha256(content).hexdigest()
    stored = register_request(call.services, name, digest(call.request.method, call.url, body), new_id)
    if stored.status_code is not None:
        return Response(json.loads(stored.body), status_code=stored.status_code, headers=dict(REPLAYED))
    response = act(stored.reserved_id or None)
    call.services.idempotency_keys.save_answer(
        name, response.status_code, json.dumps(response.body, ensure_ascii=False)
    )
    return response


def take_step(
    call: Call,
    act: Callable[[int | None], T],
    represent: Callable[[T], dict[str, object]],
    status_code: int = 200,
    new_id: Callable[[], int] | None = None,
) -> Response:
    """Answers a POST that has no fields, idempotently. `act` gets the reserved id. Raises BadInput, KeyReused."""
    read_fields(call.body(), {}, set(), partial=False)
    return answer_idempotently(
        call, lambda reserved_id: Response(represent(act(reserved_id)), status_code=status_code), new_id
    )
