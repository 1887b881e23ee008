"""`POST /Mailing/preview/`: audience, example texts and forecast of a mailing. Nothing is written."""

from __future__ import annotations

from typing import cast

from chalice.app import Response

from ..domain.decisions import announced
from ..domain.mailing_fields import MailingFields
from ..domain.sms import Length
from ..fields import MAILING, MAILING_READ_ONLY
from ..http.calls import Call
from ..mailings.audience import reached_by
from ..mailings.preview import LaunchForecast, Preview, preview_mailing
from ..mailings.prices import CostForecast
from ..mailings.warnings import warn_of_approval
from ..representation import represent_amount, represent_moment, represent_warnings
from ..rules import read_fields


def show_preview(call: Call) -> Response:
    fields = cast(MailingFields, read_fields(call.body(), MAILING, MAILING_READ_ONLY, partial=False))
    mailing = announced(fields, 0, call.services.clock.now())
    chosen = reached_by(call.services, mailing.chosen, mailing.purpose)
    preview = preview_mailing(call.services, chosen, mailing.message_text, planned=mailing)
    launch = preview.launch
    assert launch is not None, "the mailing has its times"
    filter_text = str(preview.condition) if preview.condition else None
    shown = {
        "filter_text": filter_text,
        **_represent_audience(launch),
        **_represent_text(preview),
        **_represent_forecast(launch),
    }
    approval = warn_of_approval(call.services.settings.approval_above, preview.clients)
    return Response({**shown, **represent_warnings([*preview.warnings, *approval])})


def _represent_audience(launch: LaunchForecast) -> dict[str, object]:
    audience = launch.audience
    return {
        "clients": audience.clients,
        "is_whole": audience.is_whole,
        "is_sampled": audience.is_sampled,
        "by_timezone": audience.by_timezone,
        "by_operator_code": audience.by_operator_code,
    }


def _represent_text(preview: Preview) -> dict[str, object]:
    examples = [
        {"phone_number": example.client.masked_phone, "text": example.text, "parts": example.length.parts}
        for example in preview.examples
    ]
    assert preview.length is not None, "a text is required"
    length = _represent_length(preview.length)
    return {"length": length, "parts": preview.parts, "examples": examples, "cost": _represent_cost(preview.cost)}


def _represent_cost(cost: CostForecast | None) -> dict[str, object] | None:
    if cost is None:
        return None
    return {"texts": represent_amount(cost.texts), "currency": cost.currency or None, "aws_dollars": cost.aws}


def _represent_length(length: Length) -> dict[str, object]:
    return {
        "characters": length.units,
        "encoding": length.encoding,
        "parts": length.parts,
        "per_part": length.per_part,
    }


def _represent_forecast(launch: LaunchForecast) -> dict[str, object]:
    forecast = launch.forecast
    return {
        "rate": launch.rate,
        "starts_at": represent_moment(launch.starts_at),
        "ends_at": represent_moment(forecast.ends_at),
        "reached": forecast.reached,
        "too_late": forecast.too_late,
        "unreachable": forecast.unreachable,
        "rate_needed": forecast.rate_needed,
    }
