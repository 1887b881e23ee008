"""`make up`: the local stack, staying until Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

from .seed import LOCAL_TOKEN
from .stack import DevStack, LocalSettings, StackFailed


def read_settings(environment: Mapping[str, str]) -> LocalSettings:
    """PORT, AWS_PORT, GATEWAY_URL, GATEWAY_TOKEN, GATEWAY_RATE, RECEIPTS and STATE_DIR; raises StackFailed."""
    defaults = LocalSettings()
    gateway_url = environment.get("GATEWAY_URL", "")
    if gateway_url and urlsplit(gateway_url).scheme not in ("http", "https"):
        raise StackFailed(f"GATEWAY_URL: an address such as https://sms.example.com is expected, not {gateway_url!r}")
    if gateway_url and not environment.get("GATEWAY_TOKEN"):
        raise StackFailed("GATEWAY_URL is set: set GATEWAY_TOKEN to the token it wants as well")
    return LocalSettings(
        port=_port(environment, "PORT", defaults.port),
        aws_port=_port(environment, "AWS_PORT", defaults.aws_port),
        gateway_url=gateway_url,
        gateway_token=environment.get("GATEWAY_TOKEN") or defaults.gateway_token,
        state_dir=environment.get("STATE_DIR", ""),
        receipts=_flag(environment, "RECEIPTS"),
        gateway_rate=environment.get("GATEWAY_RATE", ""),
    )


def main() -> int:
    end_on_sigterm()
    try:
        settings = read_settings(os.environ)
        with DevStack(settings, _logs(settings)) as stack:
            _tell(stack)
            Event().wait()
    except StackFailed as error:
        print(f"up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", flush=True)
    return 0


def _tell(stack: DevStack) -> None:
    gateway = stack.simulator.url + " (simulator: PUT /control, GET /seen)" if stack.simulator else "as set"
    print(f"API      {stack.url}", f"token    {LOCAL_TOKEN}", f"AWS      {stack.aws_url}", sep="\n")
    print(f"gateway  {gateway}", f"logs     {stack.logs}", "Ctrl-C ends it.", sep="\n", flush=True)


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    sent = environment.get(name) or str(default)
    if not (sent.isascii() and sent.isdigit()) or not 0 < int(sent) < 65536:
        raise StackFailed(f"{name}: a port number is expected, not {sent!r}")
    return int(sent)


def _flag(environment: Mapping[str, str], name: str) -> bool:
    sent = environment.get(name) or "false"
    if sent.lower() not in ("true", "false"):
        raise StackFailed(f"{name}: true or false is expected, not {sent!r}")
    return sent.lower() == "true"


def _logs(settings: LocalSettings) -> Path:
    if not settings.state_dir:
        return Path(tempfile.mkdtemp(prefix="notifications-logs-"))
    logs = Path(settings.state_dir).absolute() / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return logs


def end_on_sigterm() -> None:
    """The same as Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


if __name__ == "__main__":
    sys.exit(main())
