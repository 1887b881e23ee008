"""The main job of the service, done in a rehearsal: a client, a mailing, and a message that the gateway accepts."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import requests

from infra.local.deployment import api_url

from .errors import DeployFailed

TAG = "rehearsal"
LOOKS = 150
PAUSE = 2.0
"""Seconds between two looks at the mailing, for five minutes: a mailing ends within two."""

TIMEOUT = 30


@dataclass(frozen=True)
class Api:
    """The API of a stack, called with a token of its own."""

    url: str
    token: str

    def call(self, method: str, path: str, **body: Any) -> Any:
        """Raises DeployFailed if the answer is not a success."""
        headers = {"Authorization": f"Token {self.token}"}
        answer = requests.request(method, self.url + path, headers=headers, json=body or None, timeout=TIMEOUT)
        if not answer.ok:
            raise DeployFailed(f"{method} {path} answers {answer.status_code}: {answer.text[:200]}")
        return answer.json()


def open_api(outputs: Mapping[str, str]) -> Api:
    """With a new token, made by the function for it. On an emulator API Gateway has another address than on AWS."""
    payload = json.dumps({"make": f"rehearsal {time.time_ns()}", "role": "admin", "by": TAG})
    functions = boto3.client("lambda")
    answer = functions.invoke(FunctionName=outputs["ManageTokensName"], Payload=payload)
    made = json.loads(answer["Payload"].read())
    if "token" not in made:
        raise DeployFailed(f"{outputs['ManageTokensName']} made no token: {made}")
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    url = api_url(endpoint, dict(outputs)) if endpoint else outputs["EndpointURL"].rstrip("/")
    return Api(url, made["token"])


def add_client(api: Api, phone_number: str) -> None:
    api.call("POST", "/Clients/", phone_number=phone_number, tag=TAG)


def clients(api: Api) -> list[str]:
    return sorted(client["phone_number"] for client in api.call("GET", f"/Clients/?tag={TAG}")["results"])


def send_mailing(api: Api, text: str) -> dict[str, Any]:
    """Announce a mailing to the clients of the rehearsal, and return its statistics when it has ended."""
    now = datetime.now(UTC)
    times = {"datetime_start": now.isoformat(), "datetime_end": (now + timedelta(hours=1)).isoformat()}
    mailing = api.call("POST", "/Mailing/", **times, message_text=text, filter_tag=TAG)
    for _ in range(LOOKS):
        stats: dict[str, Any] = api.call("GET", f"/Stats/{mailing['id']}/")
        if stats["status"] == "finished":
            return stats
        time.sleep(PAUSE)
    raise DeployFailed(f"the mailing has not ended after {LOOKS * PAUSE:.0f} s: {stats['messages']}, {_errors(stats)}")


def require_sent(stats: Mapping[str, Any], number: int) -> str:
    """Raises DeployFailed unless each message was sent, with its attempts counted.

    PartiQL counts them, `SET "attempts" = "attempts" + ?`, which only AWS can prove.
    """
    attempts = [message["attempts"] for message in stats["results"]]
    if stats["messages"]["sent"] != number or len(attempts) != number or min(attempts) < 1:
        raise DeployFailed(f"{stats['messages']}, attempts {attempts}, {_errors(stats)}")
    return f"{number} sent, attempts {attempts}"


def _errors(stats: Mapping[str, Any]) -> str:
    found = sorted({str(message["last_error"]) for message in stats["results"] if message["last_error"]})
    return f"errors: {'; '.join(found) or 'none'}"
