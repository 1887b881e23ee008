"""Erase a person by phone number, or write everything that the service has about the person into a file.

python -m infra.forget PHONE [--url URL]                 erase, with an admin token in $TOKEN
python -m infra.forget PHONE --export FILE [--url URL]   write FILE (JSON) and erase nothing; a read token is enough
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import requests

from chalicelib.domain.erasure import phones_in
from chalicelib.domain.phone import meant_phone

PAGE = 1000
TIMEOUT = 60
"""Seconds."""


class ForgetFailed(Exception):
    """One line with the reason."""


class NotThere(ForgetFailed):
    """The API has no such object."""


class Api(Protocol):
    def call(self, method: str, address: str, body: dict[str, str] | None = None) -> Any:
        """The JSON of the answer. `address`: a path, or the URL of a next page. Raises ForgetFailed, NotThere."""


class HttpApi:
    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Token {token}"

    def call(self, method: str, address: str, body: dict[str, str] | None = None) -> Any:
        url = address if address.startswith("http") else self._url + address
        answer = self._session.request(method, url, json=body, timeout=TIMEOUT)
        if not answer.ok:
            failed = NotThere if answer.status_code == 404 else ForgetFailed
            raise failed(f"{answer.status_code}: {answer.text[:200]}")
        return answer.json()


def main() -> int:
    options = _arguments()
    try:
        api = HttpApi(options.url, os.environ.get("TOKEN", ""))
        if options.export:
            return _write(options.export, held_about(api, options.phone))
        return _print(erase(api, options.phone))
    except (ForgetFailed, OSError, requests.RequestException) as error:
        print(f"forget: {error}", file=sys.stderr)
        return 1


def erase(api: Api, phone: str) -> dict[str, Any]:
    """Erase the client with this number, or what is left of a number without a client. May be repeated."""
    answer: dict[str, Any] = api.call("POST", "/Clients/erase/", {"phone_number": phone})
    return answer


def held_about(api: Api, phone: str) -> dict[str, Any]:
    """The client, the stop of the number, messages, refused rows of imports that have it, and audit records.

    Reads all refused rows and the whole audit log, page by page: neither has an index by phone number.
    """
    found = api.call("GET", f"/Clients/?phone_number={phone}")["results"]
    client = found[0] if found else None
    return {
        "phone_number": phone,
        "client": client,
        "stop": _stop_of(api, phone),
        "messages": list(pages(api, f"/Clients/{client['id']}/history/")) if client else [],
        "refused_rows": list(_refused_rows(api, phone)),
        "audit": [record for record in pages(api, "/Audit/") if client and _is_about(record, client["id"])],
    }


def _stop_of(api: Api, phone: str) -> Any:
    """None if the number is not on the stop list."""
    try:
        return api.call("GET", f"/StopList/{phone}/")
    except NotThere:
        return None


def pages(api: Api, path: str) -> Iterator[Any]:
    """The results of all pages of a list."""
    address: str | None = f"{path}?limit={PAGE}"
    while address:
        page = api.call("GET", address)
        yield from page["results"]
        address = page["next"]


def _refused_rows(api: Api, phone: str) -> Iterator[dict[str, Any]]:
    for one in pages(api, "/Clients/import/"):
        rows = pages(api, f"/Clients/import/{one['id']}/") if one["refused"] else iter(())
        for row in rows:
            if any(phone in phones_in(cell) for cell in row["cells"].values()):
                yield {"import": one["id"], "file_name": one["file_name"], **row}


def _is_about(record: dict[str, Any], client_id: int) -> bool:
    return record["what"] == "client" and record["id"] == str(client_id)


def _write(file: Path, held: dict[str, Any]) -> int:
    """Only its owner may read the file."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        os.fchmod(out.fileno(), 0o600)  # of a file that existed
        json.dump(held, out, ensure_ascii=False, indent=2)
    counts = ", ".join(f"{len(held[name])} {name.replace('_', ' ')}" for name in ("messages", "refused_rows", "audit"))
    client, stop = "a client" if held["client"] else "no client", "on the stop list, " if held["stop"] else ""
    print(f"{file}: {client}, {stop}{counts}")
    return 0


def _print(erased: dict[str, Any]) -> int:
    client = erased["client_id"]
    print(f"client {client} is erased" if client else "no client has this number; what was left of it is erased")
    print("its traces in messages and imports will be gone in a few minutes: the audit log says `traces erased`")
    if erased["stays_refused"]:
        print("the person had opted out: the number is refused until POST /Clients/readmit/")
    return 0


def _phone(text: str) -> str:
    phone = meant_phone(text)
    if phone is None:
        raise argparse.ArgumentTypeError("a phone number such as 79774053329 is expected")
    return phone


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.forget", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("phone", type=_phone, metavar="PHONE", help="79XXXXXXXXX")
    parser.add_argument("--export", type=Path, metavar="FILE", help="write everything about PHONE into FILE instead")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="address of the API (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
