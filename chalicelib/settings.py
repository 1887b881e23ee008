"""Every environment variable of the service: name, type, default and what it is for. Read here only."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from .errors import BadSettings

LOCAL_STAGE = "local"


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address such as https://sms.example.com is expected")
    return text.rstrip("/")


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError("a number above 0 is expected")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("a whole number above 0 is expected")
    return number


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("true or false is expected")
    return text.lower() == "true"


def _setting(default: object, read: Callable[[str], object], help_text: str) -> Any:
    return field(default=default, metadata={"read": read, "help": help_text})


@dataclass(frozen=True)
class Settings:
    """A field is the environment variable of the same name in capitals."""

    stage: str = _setting("dev", str, "Name of the stage; `local` alone accepts the published token.")
    stack_name: str = _setting("notifications", str, "Prefix of tables, schedules and parameters.")
    send_queue_url: str = _setting("", str, "Queue of messages to send.")
    segments_queue_url: str = _setting("", str, "Queue of jobs: starts, segments, recounts.")
    imports_queue_url: str = _setting("", str, "Queue of imports to work off.")
    imports_bucket: str = _setting("", str, "Bucket of files of clients.")
    dead_letters_url: str = _setting("", str, "Queue of what cannot be read.")
    start_mailing_arn: str = _setting("", str, "The Lambda that a mailing's schedule invokes.")
    scheduler_role_arn: str = _setting("", str, "The role that the schedules use to invoke it.")
    gateway_url: str = _setting("http://127.0.0.1:9000", _url, "Address of the SMS gateway.")
    gateway_timeout: float = _setting(10.0, _positive, "Seconds to wait for the gateway's answer.")
    gateway_dedupes: bool = _setting(True, _flag, "Whether the gateway takes a repeated message id only once.")
    sender_threads: int = _setting(20, _count, "Posts that one sender Lambda has under way at once.")
    message_retention_days: int = _setting(400, _count, "Days after its end that a mailing's messages are kept.")
    audit_retention_days: int = _setting(400, _count, "Days that a record of who did what is kept.")

    @property
    def gateway_token_parameter(self) -> str:
        """Name of the SecureString in SSM Parameter Store."""
        return f"/{self.stack_name}/gateway-token"

    @property
    def session_key_parameter(self) -> str:
        """Name of the SecureString that the console's sessions are signed with."""
        return f"/{self.stack_name}/session-key"

    @property
    def is_local(self) -> bool:
        return self.stage == LOCAL_STAGE


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read and check all of them; BadSettings names every wrong one at once."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for setting in fields(Settings):
        name = setting.name.upper()
        if environment.get(name, "") == "":
            continue
        try:
            values[setting.name] = setting.metadata["read"](environment[name])
        except ValueError as error:
            wrong.append(f"{name}: {error}")
    if wrong:
        raise BadSettings("; ".join(wrong))
    return Settings(**values)


@cache
def settings() -> Settings:
    """This process's settings, read on first use and not at import."""
    return read_settings(os.environ)
