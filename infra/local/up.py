"""`make up`: the local stack, which runs until Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Event

from chalicelib.errors import BadSettings
from chalicelib.settings import read_settings as read_service_settings

from .deployment import STAGE
from .local_settings import LocalSettings
from .seed import LOCAL_PASSWORD, LOCAL_TOKEN, LOCAL_USER
from .simulator import DEFAULT_PORT
from .stack import DevStack, StackFailed
from .state import claim_state

SERVICE_SETTINGS = (
    "GATEWAY",
    "GATEWAY_URL",
    "GATEWAY_SENDER",
    "GATEWAY_OPTIONS",
    "GATEWAY_RATE",
    "GATEWAY_PRICE",
    "GATEWAY_CURRENCY",
    "DAILY_BUDGET",
    "BALANCE_ALARM",
    "REQUIRE_CONSENT",
    "APPROVAL_ABOVE",
    "RECEIPTS",
    "RECEIPTS_URL",
    "OIDC_ISSUER",
    "OIDC_CLIENT_ID",
    "OIDC_ROLE_CLAIM",
    "OIDC_ROLES",
    "OIDC_NAME_CLAIM",
    "OIDC_ONLY",
)
"""Settings of the service, with its checks."""


def read_settings(environment: Mapping[str, str]) -> LocalSettings:
    """From the variables of docs/CONFIGURATION.md, "The local stack". Raises StackFailed."""
    defaults = LocalSettings()
    gateway_url = environment.get("GATEWAY_URL", "")
    try:
        given = {name: environment.get(name, "") for name in SERVICE_SETTINGS}
        service = read_service_settings({**given, "STAGE": STAGE})
    except BadSettings as error:
        raise StackFailed(str(error)) from error
    if gateway_url and not environment.get("GATEWAY_TOKEN"):
        raise StackFailed("GATEWAY_URL is set: set GATEWAY_TOKEN to the token of that gateway as well")
    if service.oidc_issuer and not environment.get("OIDC_CLIENT_SECRET"):
        raise StackFailed("OIDC_ISSUER is set: set OIDC_CLIENT_SECRET to the secret of that client as well")
    return LocalSettings(
        port=_port(environment, "PORT", defaults.port),
        aws_port=_port(environment, "AWS_PORT", defaults.aws_port),
        gateway=service.gateway,
        gateway_url=gateway_url,
        gateway_sender=service.gateway_sender,
        gateway_options=service.gateway_options,
        gateway_token=environment.get("GATEWAY_TOKEN", ""),
        state_dir=environment.get("STATE_DIR", ""),
        receipts=service.receipts,
        receipts_url=service.receipts_url,
        gateway_rate=environment.get("GATEWAY_RATE", ""),
        gateway_price=environment.get("GATEWAY_PRICE", ""),
        gateway_currency=service.gateway_currency,
        daily_budget=environment.get("DAILY_BUDGET", ""),
        balance_alarm=environment.get("BALANCE_ALARM", ""),
        require_consent=service.require_consent,
        oidc_issuer=service.oidc_issuer,
        oidc_client_id=service.oidc_client_id,
        oidc_client_secret=environment.get("OIDC_CLIENT_SECRET", ""),
        oidc_role_claim=service.oidc_role_claim,
        oidc_name_claim=service.oidc_name_claim,
        oidc_roles=",".join(service.oidc_roles),
        oidc_only=service.oidc_only,
        approval_above=service.approval_above,
        simulator_port=DEFAULT_PORT,
    )


def main() -> int:
    end_on_sigterm()
    try:
        settings = read_settings(os.environ)
        with _claimed(settings), DevStack(settings, _logs(settings)) as stack:
            _print_addresses(stack)
            Event().wait()
    except StackFailed as error:
        print(f"up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
    return 0


def _print_addresses(stack: DevStack) -> None:
    gateway = "the one in GATEWAY_URL"
    if stack.simulator:
        name = stack.simulator.provider.name
        gateway = f"{stack.simulator.url} (simulator of {name}: PUT /control, GET /seen)"
    print(f"console  {stack.url}/console/", f"user     {LOCAL_USER}", f"password {LOCAL_PASSWORD}", sep="\n")
    print(f"API      {stack.url}", f"token    {LOCAL_TOKEN}", f"AWS      {stack.aws_url}", sep="\n")
    print(f"gateway  {gateway}", f"logs     {stack.logs}", "Ctrl-C stops it.", sep="\n", flush=True)


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65536:
        raise StackFailed(f"{name}: a port number is expected, not {text!r}")
    return int(text)


def _claimed(settings: LocalSettings) -> AbstractContextManager[object]:
    """Of the folder in STATE_DIR, if there is one. Raises StackFailed."""
    if not settings.state_dir:
        return nullcontext()
    return claim_state(Path(settings.state_dir).absolute(), settings.aws_port)


def _logs(settings: LocalSettings) -> Path:
    if not settings.state_dir:
        return Path(tempfile.mkdtemp(prefix="notifications-logs-"))
    logs = Path(settings.state_dir).absolute() / "logs"
    logs.mkdir(exist_ok=True)
    return logs


def end_on_sigterm() -> None:
    """Make SIGTERM stop this process as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


if __name__ == "__main__":
    sys.exit(main())
