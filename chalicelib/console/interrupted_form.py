"""A form that is submitted after its session has ended: its fields go through the sign-in, so that nothing is lost.

The sign-in page carries them as hidden fields, and the page after it submits them when a person presses its button.
Neither carries a password or the form token of the ended session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chalice.app import Response

from ..http.bodies import FORM
from ..texts import Text
from .own_addresses import SIGN_IN, SIGN_OUT, own_address

if TYPE_CHECKING:
    from .page_requests import PageRequest

KEPT = "kept."
"""Stands before the name of a field on the sign-in page, which has a field `name` of its own."""

SHOWN_AGAIN_BY = {"message_text": "preview", "where_0_field": "rows"}
"""By a field that only this form has: the `step` that shows the form again with what was typed, without saving it."""

MOST_FIELDS = 3_000
"""More than a form of the console has, and few enough for a page."""

Field = tuple[str, str]


def to_sign_in(request: PageRequest) -> Response:
    """The answer without a session: the sign-in, which brings a submitted form back. A script gets an error."""
    text, headers = request.localized(Text("console.signed_out")), request.raw_request.headers
    if request.path == SIGN_OUT:
        return request.redirect(SIGN_IN)
    if headers.get("sec-fetch-dest") == "empty":
        return request.page("refused.html", 401, text=text)
    if request.raw_request.method != "POST":
        return request.redirect(SIGN_IN, next=own_address(request.address))
    is_form = request.is_from_own_site and headers.get("content-type", "").startswith(FORM)
    kept = fields_to_keep(request.form) if is_form else []
    if not is_form or len(kept) > MOST_FIELDS:
        return request.page("refused.html", 401, text=text)
    values = sign_in_values(request) | {"next": own_address(request.address), "name": "", "error": text, "kept": kept}
    return request.page("sign_in.html", 401, **values)


def sign_in_values(request: PageRequest) -> dict[str, Any]:
    """Which ways to sign in the page offers."""
    settings = request.services.settings
    provider = request.services.identity_provider.host if settings.oidc_issuer else None
    return {"has_passwords": not settings.oidc_only, "provider": provider}


def fields_to_keep(form: Mapping[str, Sequence[str]]) -> list[Field]:
    return [(name, value) for name, values in form.items() for value in values if not _is_secret(name)]


def kept_fields(sign_in_form: Mapping[str, Sequence[str]]) -> list[Field]:
    """The fields that the sign-in page has carried."""
    found = {name.removeprefix(KEPT): values for name, values in sign_in_form.items() if name.startswith(KEPT)}
    return fields_to_keep(found)


def editing_step(fields: Sequence[Field]) -> str | None:
    """The value of `step` that shows this form again; None if it has none."""
    names = {name for name, _ in fields}
    return next((step for name, step in SHOWN_AGAIN_BY.items() if name in names), None)


def _is_secret(name: str) -> bool:
    return name == "csrf" or "password" in name
