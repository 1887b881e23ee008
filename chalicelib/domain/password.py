"""Passwords are kept as scrypt hashes, each with its own salt and its own cost, so that the cost can be raised."""

from __future__ import annotations

import base64
import hashlib
import hmac

LOG_N, R, P = 14, 8, 5
"""16 MB and a quarter of a second each: OWASP Password Storage Cheat Sheet, scrypt with N=2^14."""

LONGEST = 1024
MEMORY_LIMIT = 64 * 1024**2


def hash_password(password: str, salt: bytes) -> str:
    """`scrypt$14$8$5$<salt>$<hash>`, the last two in base64."""
    return _written(LOG_N, R, P, salt, _hash(password, salt, LOG_N, R, P))


def is_password(password: str, written: str) -> bool:
    """Takes as long for a wrong password as for the right one."""
    _, log_n, r, p, salt, _ = written.split("$")
    raw_salt = base64.b64decode(salt)
    found = _hash(password, raw_salt, int(log_n), int(r), int(p))
    return hmac.compare_digest(_written(int(log_n), int(r), int(p), raw_salt, found), written)


def _hash(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    raw = password[:LONGEST].encode("utf-8", "surrogatepass")
    return hashlib.scrypt(raw, salt=salt, n=2**log_n, r=r, p=p, maxmem=MEMORY_LIMIT, dklen=32)


def _written(log_n: int, r: int, p: int, salt: bytes, found: bytes) -> str:
    encoded = (base64.b64encode(part).decode() for part in (salt, found))
    return "$".join(["scrypt", str(log_n), str(r), str(p), *encoded])
