"""`POST /Receipts/`: delivery receipts from the gateway, authenticated by a shared secret."""

from __future__ import annotations

import hmac
from datetime import datetime

from chalice.app import Request, Response

from ..adapters.services import Services
from ..delivery.receipts import take_receipts
from ..domain.receipt import MAX_RECEIPTS, Receipt
from ..errors import BadInput, FieldErrors, NotAuthenticated, NotFound
from ..fields import RECEIPT
from ..gateways.callback import path_secret
from ..http.bodies import dictionary, read_list
from ..http.calls import answer_refusals, handler_for, raw_body
from ..http.queries import require_known_query
from ..rules import read_fields
from ..texts import Text


def answer(services: Services, request: Request) -> Response:
    """Answers 404 if the settings expect no delivery receipts."""

    def act() -> Response:
        if not services.settings.receipts:
            raise NotFound
        _require_secret(services, request.headers.get("authorization", ""))
        create = handler_for(request.method, {"POST": _create})
        require_known_query(request, ())
        return create(services, request)

    return answer_refusals(act)


def _create(services: Services, request: Request) -> Response:
    """Receipts with an unknown message id are counted apart and also get a 200, so that the gateway does not retry."""
    items = read_list(raw_body(request), request.headers.get("content-type"), MAX_RECEIPTS)
    receipts = _read(items, services.clock.now())
    accepted = take_receipts(services, receipts)
    return Response({"accepted": accepted, "unknown": len(receipts) - accepted})


def _read(items: list[object], now: datetime) -> list[Receipt]:
    """Raises BadInput with all errors. In a list, field names have the index of the item: `{"3.status": [...]}`."""
    receipts: list[Receipt] = []
    errors: FieldErrors = {}
    for index, item in enumerate(items):
        try:
            receipts.append(_receipt(read_fields(dictionary(item), RECEIPT, set(), partial=False), now))
        except BadInput as error:
            prefix = f"{index}." if len(items) > 1 else ""
            errors |= {f"{prefix}{name}": texts for name, texts in error.fields.items()}
    if errors:
        raise BadInput(errors)
    return receipts


def _receipt(fields: dict[str, object], now: datetime) -> Receipt:
    match fields:
        case {"id": int(message_id), "status": str(status), **rest}:
            at, reason = rest.get("at"), rest.get("reason")
            return Receipt(message_id, status, at if isinstance(at, datetime) else now, str(reason or ""))
    raise TypeError("a field has another type than its rule reads")


def _require_secret(services: Services, authorization: str) -> None:
    """Compares in constant time. Raises NotAuthenticated."""
    stored = services.receipts_secret.value()
    expected = f"Bearer {path_secret(stored) if services.settings.gateways else stored}"
    if not hmac.compare_digest(authorization.encode("utf-8", "surrogatepass"), expected.encode()):
        raise NotAuthenticated(Text("receipt.secret"), "Bearer")
