"""What we refuse, and why.

Refusal                    the caller can mend it: becomes a 4xx with `body`
├── BadInput        400    fields, each with what is wrong and what is expected
├── NotAuthenticated 401   no token or secret, or one we do not know
├── NotAllowed      403    the token's role does not allow the call
├── NotFound        404    no such client, mailing or address
├── MethodRefused   405    the address exists, the method does not
├── NotInThisStatus 409    the mailing's status does not allow it
├── TooLarge        413    a body over the limit
├── WrongMediaType  415    neither JSON nor a form, nor CSV where a file is expected
├── KeyReused       422    the Idempotency-Key was used for another request
└── TooManyAttempts 429    to sign in: wait
Conflict                   somebody else wrote first: read again and decide again
├── RowChanged             the row is not as it was read
├── PhoneTaken             the phone number belongs to another client
├── SliceBusy            another worker holds the slice
└── ImportBusy             another worker holds the import
FileGone                   the file is not in the bucket, or is another one by now
NotSent                    a letter was refused, and has certainly not left: try again
NotWritten                 a table did not take a write that is right: try again
BadSettings                the environment is wrong: nothing starts
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FieldErrors = dict[str, list[str]]


class Refusal(Exception):
    """Base of what becomes a 4xx; `body` is the answer in Django REST framework's shape."""

    status_code = 400

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.body: dict[str, object] = {"detail": detail}

    @property
    def headers(self) -> dict[str, str | list[str]]:
        return {}


class BadInput(Refusal):
    """Every bad field at once: `{"field": ["text", ...]}`; `BadInput.detail` for the request as a whole."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(texts)}" for name, texts in fields.items()))
        self.fields: FieldErrors = {name: list(texts) for name, texts in fields.items()}
        self.body = {**self.fields}

    @classmethod
    def whole(cls, detail: str) -> BadInput:
        refusal = cls({})
        refusal.body = {"detail": detail}
        return refusal


class NotAuthenticated(Refusal):
    status_code = 401

    def __init__(self, detail: str = "Authentication credentials were not provided.", scheme: str = "Token") -> None:
        super().__init__(detail)
        self.scheme = scheme

    @property
    def headers(self) -> dict[str, str | list[str]]:
        return {"WWW-Authenticate": self.scheme}


class NotAllowed(Refusal):
    status_code = 403

    def __init__(self, detail: str = "This token may only read.") -> None:
        super().__init__(detail)


class NotFound(Refusal):
    status_code = 404

    def __init__(self, detail: str = "Not found.") -> None:
        super().__init__(detail)


class MethodRefused(Refusal):
    status_code = 405

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(f'Method "{method}" not allowed.')
        self.allowed = tuple(allowed)

    @property
    def headers(self) -> dict[str, str | list[str]]:
        return {"Allow": ", ".join(self.allowed)}


class NotInThisStatus(Refusal):
    status_code = 409


class TooLarge(Refusal):
    status_code = 413


class WrongMediaType(Refusal):
    status_code = 415

    def __init__(self, media_type: str, expected: Sequence[str]) -> None:
        super().__init__(f'Unsupported media type "{media_type}" in request: {" or ".join(expected)} is expected.')


class KeyReused(Refusal):
    status_code = 422

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another request: take a new key for a new request.")


class TooManyAttempts(Refusal):
    status_code = 429

    def __init__(self, seconds: int) -> None:
        super().__init__("Too many attempts to sign in: wait a quarter of an hour.")
        self.seconds = seconds

    @property
    def headers(self) -> dict[str, str | list[str]]:
        return {"Retry-After": str(self.seconds)}


class Conflict(Exception):
    """Somebody else wrote first."""


class RowChanged(Conflict):
    """The row is not as it was read, or is gone."""


class PhoneTaken(Conflict):
    """The phone number belongs to another client."""


class SliceBusy(Conflict):
    """Another worker holds the slice; its lease ends by itself."""


class ImportBusy(Conflict):
    """Another worker holds the import; its lease ends by itself."""


class FileGone(Exception):
    """The file is not in the bucket, or is another one by now."""


class NotWritten(Exception):
    """The table was throttled, did not answer, or failed: whether it was written is not known."""


class NotSent(Exception):
    """The letter was refused, or could not be handed over: nobody has it."""


class BadSettings(Exception):
    """The environment is wrong; the text names every wrong variable."""
