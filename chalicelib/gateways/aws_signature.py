"""Signature version 4 of AWS for a post without a query.

Botocore's own signer takes 0.12 ms, six times as long as this: it parses the URL, the headers and the body of any
request. A test compares the signatures. Source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """`token`: of credentials that end; those of a role have one."""

    access_key: str
    secret_key: str
    token: str | None


def signed(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    region: str,
    service: str,
    credentials: Credentials,
    moment: str | None = None,
) -> dict[str, str]:
    """The headers of a post with its signature. `moment`: such as 20261127T041324Z; None: now."""
    moment = moment or _now()
    dated = {**headers, "X-Amz-Date": moment}
    if credentials.token:
        dated["X-Amz-Security-Token"] = credentials.token
    parts = urlsplit(url)
    lines = sorted([*((name.lower(), value) for name, value in dated.items()), ("host", parts.netloc)])
    names = ";".join(name for name, _ in lines)
    canonical = "".join(f"{name}:{value}\n" for name, value in lines)
    request = f"POST\n{parts.path}\n\n{canonical}\n{names}\n{sha256(body).hexdigest()}"
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    to_sign = f"{ALGORITHM}\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = _hmac(_key(credentials.secret_key, moment[:8], region, service), to_sign).hex()
    authorization = f"Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**dated, "Authorization": f"{ALGORITHM} {authorization}"}


@lru_cache(maxsize=4)
def _key(secret_key: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _now() -> str:
    from botocore.compat import get_current_datetime

    return str(get_current_datetime().strftime("%Y%m%dT%H%M%SZ"))  # type: ignore[no-untyped-call]
