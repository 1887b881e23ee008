"""A mailing over HTTP before it is announced: whom it would reach, and when. Nothing is written."""

from __future__ import annotations

from typing import cast

from chalice.app import Response

from ..domain.decisions import MailingFields, announced
from ..domain.sms import Length
from ..fields import MAILING, MAILING_READ_ONLY
from ..http.calls import Call
from ..mailings.preview import Launch, Preview, preview_mailing
from ..representation import represent_moment
from ..rules import read_fields


def show_preview(call: Call) -> Response:
    wanted = cast(MailingFields, read_fields(call.body(), MAILING, MAILING_READ_ONLY, partial=False))
    mailing = announced(wanted, 0, call.services.clock.now())
    preview = preview_mailing(call.services, mailing.chosen, mailing.message_text, planned=mailing)
    launch = preview.launch
    assert launch is not None, "the mailing has its times"
    return Response({**_shown_audience(launch), **_shown_text(preview), **_shown_forecast(launch)})


def _shown_audience(launch: Launch) -> dict[str, object]:
    audience = launch.audience
    return {
        "clients": audience.clients,
        "is_whole": audience.is_whole,
        "is_sampled": audience.is_sampled,
        "by_timezone": audience.by_timezone,
        "by_operator_code": audience.by_operator_code,
    }


def _shown_text(preview: Preview) -> dict[str, object]:
    examples = [
        {"phone_number": one.client.masked_phone, "text": one.text, "parts": one.length.parts}
        for one in preview.examples
    ]
    assert preview.length is not None, "a text is required"
    return {"length": _shown_length(preview.length), "parts": preview.parts, "examples": examples}


def _shown_length(length: Length) -> dict[str, object]:
    return {
        "characters": length.units,
        "encoding": length.encoding,
        "parts": length.parts,
        "per_part": length.per_part,
    }


def _shown_forecast(launch: Launch) -> dict[str, object]:
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
