"""The secret of the console at its identity provider: stored by a deploy, read by the API."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.settings import Settings

from .errors import DeployFailed
from .stored_secrets import is_stored

VARIABLE = "OIDC_CLIENT_SECRET"


def client_secret(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """The secret to store, by the name of its parameter; nothing if none is given. Raises DeployFailed if none is
    stored either.
    """
    parameter, value = settings.oidc_secret_parameter, environment.get(VARIABLE)
    if not settings.oidc_issuer:
        return {}
    if value:
        return {parameter: value}
    if not is_stored(parameter):
        raise DeployFailed(f"{VARIABLE}: the secret of the client {settings.oidc_client_id} is expected once")
    return {}
