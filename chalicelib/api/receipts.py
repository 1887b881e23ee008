"""Delivery receipts over HTTP: the gateway calls us, with a secret of its own."""

from __future__ import annotations

import hmac
from datetime import datetime

from chalice.app import Request, Response

from ..adapters.services import Services
from ..delivery.receipts import take_receipts
from ..domain.receipt import MOST, Receipt
from ..errors import BadInput, FieldErrors, NotAuthenticated, NotFound
from ..fields import RECEIPT
from ..http.bodies import dictionary, read_list
from ..http.calls import answered, chosen, raw_body
from ..rules import read_fields
from ..texts import Text


def answer(services: Services, request: Request) -> Response:
    """Where no receipts are expected, there is no such address."""

    def act() -> Response:
        if not services.settings.receipts:
            raise NotFound
        _require_secret(services, request.headers.get("authorization", ""))
        return chosen(request.method, {"POST": _create})(services, request)

    return answered(act)


def _create(services: Services, request: Request) -> Response:
    """200 also for those about nobody's message, so that they are not sent for ever: they are counted apart."""
    sent = read_list(raw_body(request), request.headers.get("content-type"), MOST)
    receipts = _read(sent, services.clock.now())
    accepted = take_receipts(services, receipts)
    return Response({"accepted": accepted, "unknown": len(receipts) - accepted})


def _read(sent: list[object], now: datetime) -> list[Receipt]:
    """BadInput names every wrong one by its place in the list, from 0: `{"3.status": [...]}`; one alone needs none."""
    receipts: list[Receipt] = []
    errors: FieldErrors = {}
    for place, one in enumerate(sent):
        try:
            receipts.append(_receipt(read_fields(dictionary(one), RECEIPT, set(), partial=False), now))
        except BadInput as error:
            prefix = f"{place}." if len(sent) > 1 else ""
            errors |= {f"{prefix}{name}": texts for name, texts in error.fields.items()}
    if errors:
        raise BadInput(errors)
    return receipts


def _receipt(fields: dict[str, object], now: datetime) -> Receipt:
    match fields:
        case {"id": int(number), "status": str(status), **rest}:
            at, reason = rest.get("at"), rest.get("reason")
            return Receipt(number, status, at if isinstance(at, datetime) else now, str(reason or ""))
    raise TypeError("fields that were read by their rules have other types")


def _require_secret(services: Services, authorization: str) -> None:
    """Compared in a time that does not tell how much of it is right."""
    expected = f"Bearer {services.receipts_secret.value()}"
    if not hmac.compare_digest(authorization.encode("utf-8", "surrogatepass"), expected.encode()):
        raise NotAuthenticated(Text("receipt.secret"), "Bearer")
