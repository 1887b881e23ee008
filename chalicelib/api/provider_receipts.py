"""`/Receipts/{gateway}/{key}/`: delivery receipts in the form of the provider, checked before anything is believed."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

from chalice.app import Request, Response

from ..adapters.services import Services
from ..delivery.inbound import opt_out_phones, stops_among
from ..delivery.receipts import take_receipts
from ..domain.stop import BY_GATEWAY
from ..errors import NotAllowed, NotFound
from ..gateways.receipts.port import Call, Keys, ReceiptForm, Reports
from ..gateways.receipts.registry import receipt_form
from ..http.bodies import require_size
from ..http.calls import answer_refusals, base_url, handler_for, raw_body
from ..logs import log
from ..texts import Text

ROOT = "/Receipts"


def answer(services: Services, request: Request, gateway: str, key: str) -> Response:
    """Answers 404 if the settings expect no delivery receipts of this provider."""

    def act() -> Response:
        form = _form(services, gateway)
        handler_for(request.method, {"GET": None, "POST": None})
        call = _call(services, request)
        keys = _keys(services, gateway)
        is_of_account = keys.of_account(unquote(key))
        is_known = is_of_account or keys.of_message(unquote(key), gateway, call)
        if not is_known or not form.verify(call, keys):
            log.warning("report refused", extra={"gateway": gateway, "wrong": "signature" if is_known else "key"})
            raise NotAllowed(Text("receipt.not_genuine"))
        reports = form.read(call, services.clock.now())
        _take(services, gateway, reports if is_of_account else reports.about(call.message_id))
        acknowledgement = form.ACKNOWLEDGEMENT
        return Response(acknowledgement.body, headers={"Content-Type": acknowledgement.content_type})

    return answer_refusals(act)


def _form(services: Services, gateway: str) -> ReceiptForm:
    """`gateway`: its name. Raises NotFound if it is none of ours, or its provider has no form."""
    settings = services.settings
    if not settings.receipts or gateway not in settings.gateway_by_name:
        raise NotFound
    try:
        return receipt_form(settings.gateway_by_name[gateway].provider)
    except KeyError:
        raise NotFound from None


def _keys(services: Services, gateway: str) -> Keys:
    of_several = gateway if services.settings.gateways else ""
    return Keys(services.receipts_secret.value(), services.gateway_secrets[gateway].value(), of_several)


def _take(services: Services, gateway: str, reports: Reports) -> None:
    """What cannot be read is counted and acknowledged: a repetition would not help."""
    taken = take_receipts(services, [replace(receipt, gateway=gateway) for receipt in reports.receipts])
    stops = stops_among(services, reports.inbound)
    counts = {
        "receipts": taken,
        "unknown": len(reports.receipts) - taken,
        "ignored": reports.ignored,
        "inbound": len(reports.inbound),
        "unknown_numbers": opt_out_phones(services, {**dict.fromkeys(reports.refusing, BY_GATEWAY), **stops}),
    }
    log.info("reported by the provider", extra=counts)


def _call(services: Services, request: Request) -> Call:
    body = raw_body(request) or b""
    require_size(body)
    sent = request.query_params
    query = tuple((name, value) for name in sent for value in sent.getlist(name)) if sent else ()
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method, _url(services, request), query, headers, body)


def _url(services: Services, request: Request) -> str:
    """As the provider called it. API Gateway names its domain in the context, and any caller writes Host."""
    path: str = request.to_original_event().get("path", request.context["path"])
    if services.settings.receipts_url:
        return services.settings.receipts_url + path[path.find(ROOT) + len(ROOT) :]
    if services.settings.is_local:
        return base_url(services, request) + path
    return f"https://{request.context['domainName']}{request.context['path']}"
