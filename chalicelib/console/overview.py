"""The first page of the console: what goes on, and whether something needs a person."""

from __future__ import annotations

from chalice.app import Response

from ..mailings.overview import overview
from .page_requests import PageRequest


def show(request: PageRequest) -> Response:
    """With `?live=1` only the section that changes while mailings are under way."""
    template = "overview_live.html" if request.query.get("live") else "overview.html"
    currency = request.services.settings.gateway_currency
    return request.page(template, seen=overview(request.services), currency=currency)
