"""The errors that this service raises, and what each means.

Refusal                    an answer to the caller with `body`: a 4xx for a request that can be corrected, or 502
├── BadInput         400   one or more fields are wrong: what is wrong in each, and what is expected
├── NotAuthenticated 401   the token or the secret is missing or unknown
├── NotAllowed       403   the role of the token does not allow the call
├── NotFound         404   there is no such client, mailing or path
├── MethodRefused    405   the path exists, the method does not
├── NotInThisStatus  409   the status of the mailing does not allow the change
├── Outdated         409   what a form showed has changed since: look at it again
├── NotAsRead        412   what the caller read has changed since (If-Match): read it again
├── TooLarge         413   the body is over the limit
├── WrongMediaType   415   the body is neither JSON nor a form; where a file is expected, it is not CSV
├── KeyReused        422   the Idempotency-Key was used for another request
├── ReadFirst        428   the call needs If-Match: its author decides about what was read
├── TooManyAttempts  429   too many attempts to sign in: wait
└── ProviderFailed   502   the identity provider did not answer, or not as configured
Conflict                   another writer was first: read again and decide again
├── RowChanged             the row has changed since it was read, is gone, or exists already
├── DraftChanged           the draft has changed, or was launched, since it was read
├── PhoneTaken             the phone number belongs to another client, or is on the stop list
├── PhoneErased            the phone number opted out, and its client was erased
├── SliceBusy              another worker has the lease of the slice
└── ImportBusy             another worker has the lease of the import
FileGone                   the file is not in the bucket, or another file has replaced it
NotSent                    the email was refused and certainly not sent: try again
TryAgain             503   a table, a queue or S3 did not do all of its part: repeat the work in a few seconds
├── NotWritten             a table or S3 did not confirm a valid write
└── NotRead                a table did not return all rows, or S3 a part of a file
BadSettings                the environment is wrong: nothing starts
WrongValue                 a field's rule refuses a value; BadInput collects these
WrongParts                 a field's rule refuses parts of a value, each with its place
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TypeVar

from .texts import Text, either

T = TypeVar("T")

FieldErrors = dict[str, list[Text]]

NO_CREDENTIALS = Text("access.no_credentials")
READ_ONLY = Text("access.read_only")
NOT_FOUND = Text("request.not_found")


class Refusal(Exception):
    """Base of the errors that are answered: `detail` says why, `body` has the shape of Django REST framework."""

    status_code = 400

    def __init__(self, detail: Text) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return str(self.detail)

    @property
    def body(self) -> dict[str, object]:
        return {"detail": str(self.detail)}

    @property
    def headers(self) -> dict[str, str | list[str]]:
        return {}


class BadInput(Refusal):
    """All wrong fields at once, as `{"field": ["text", ...]}`. `of_request` makes the error of no single field."""

    def __init__(self, fields: Mapping[str, Sequence[Text]], detail: Text | None = None) -> None:
        self.fields: FieldErrors = {name: list(texts) for name, texts in fields.items()}
        super().__init__(detail or next(chain.from_iterable(self.fields.values())))

    def __str__(self) -> str:
        return "; ".join(f"{name}: {' '.join(texts)}" for name, texts in shown_errors(self.errors).items())

    @classmethod
    def of_request(cls, detail: Text) -> BadInput:
        return cls({}, detail)

    @property
    def errors(self) -> FieldErrors:
        return self.fields or {"detail": [self.detail]}

    @property
    def body(self) -> dict[str, object]:
        return {**shown_errors(self.fields)} if self.fields else super().body


def shown_errors(errors: Mapping[str, Sequence[Text]]) -> dict[str, list[str]]:
    """The errors by field, in English, as the API shows them."""
    return {name: [str(text) for text in texts] for name, texts in errors.items()}


class NotAuthenticated(Refusal):
    status_code = 401

    def __init__(self, detail: Text = NO_CREDENTIALS, scheme: str = "Token") -> None:
        super().__init__(detail)
        self.scheme = scheme

    @property
    def headers(self) -> dict[str, str | list[str]]:
        return {"WWW-Authenticate": self.scheme}


class NotAllowed(Refusal):
    status_code = 403

    def __init__(self, detail: Text = READ_ONLY) -> None:
        super().__init__(detail)


class NotFound(Refusal):
    status_code = 404

    def __init__(self, detail: Text = NOT_FOUND) -> None:
        super().__init__(detail)


class MethodRefused(Refusal):
    status_code = 405

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__(Text("request.method", method=method))
        self.allowed = tuple(allowed)

    @property
    def headers(self) -> dict[str, str | list[str]]:
        return {"Allow": ", ".join(self.allowed)}


class NotInThisStatus(Refusal):
    status_code = 409


class Outdated(Refusal):
    """`changed`: the names of the fields; none if what was shown is no version of this object."""

    status_code = 409

    def __init__(self, changed: Sequence[str]) -> None:
        super().__init__(Text("console.outdated"))
        self.changed = tuple(changed)


class NotAsRead(Refusal):
    status_code = 412


class TooLarge(Refusal):
    status_code = 413


class WrongMediaType(Refusal):
    status_code = 415

    def __init__(self, media_type: str, expected: Sequence[str]) -> None:
        super().__init__(Text("request.media_type", media_type=media_type, expected=either(expected)))


class KeyReused(Refusal):
    status_code = 422

    def __init__(self) -> None:
        super().__init__(Text("request.key_reused"))


class ReadFirst(Refusal):
    status_code = 428

    def __init__(self) -> None:
        super().__init__(Text("approval.read_first"))


class TooManyAttempts(Refusal):
    status_code = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(Text("access.too_many_attempts"))
        self.seconds = seconds

    @property
    def headers(self) -> dict[str, str | list[str]]:
        return {"Retry-After": str(self.seconds)}


class ProviderFailed(Refusal):
    status_code = 502


class WrongValue(ValueError):
    """A field's rule refuses a value; `text` says what is expected."""

    def __init__(self, text: Text) -> None:
        super().__init__(text)
        self.text = text


class WrongParts(ValueError):
    """Parts of a field's value are refused: the text for each, by its place, such as `all.1.tag`; "" is the whole."""

    def __init__(self, by_place: Mapping[str, Text]) -> None:
        super().__init__(by_place)
        self.by_place = by_place

    def of_field(self, name: str) -> FieldErrors:
        return {f"{name}.{place}" if place else name: [text] for place, text in self.by_place.items()}


class Conflict(Exception):
    """Another writer was first."""


class RowChanged(Conflict):
    """The row has changed since it was read, is gone, or exists already."""


class DraftChanged(Conflict):
    """The draft was changed or launched since it was read."""


class PhoneTaken(Conflict):
    """The phone number belongs to another client, or is on the stop list and the client has not opted out."""


class PhoneErased(Conflict):
    """The phone number opted out, and its client was erased: it cannot be registered again unasked."""


class SliceBusy(Conflict):
    """Another worker has the lease of the slice. A lease ends by itself."""


class ImportBusy(Conflict):
    """Another worker has the lease of the import, or the import has ended. A lease ends by itself."""


class FileGone(Exception):
    """The file is not in the bucket, or another file has replaced it."""


class TryAgain(Exception):
    """A table or a queue was throttled, failed or did not answer. The work can be repeated."""


class NotWritten(TryAgain):
    """The table did not confirm a write. The write may or may not have happened."""


class NotRead(TryAgain):
    """The table did not return all rows that were asked for."""


def confirmed(result: T | Exception) -> T:
    """The result of one write of a batch. Raises the error of a write that is not confirmed."""
    if isinstance(result, Exception):
        raise result
    return result


class NotSent(Exception):
    """The email was refused, or SES could not be reached. The email was certainly not sent."""


class BadSettings(Exception):
    """The environment is wrong; the text names every wrong variable."""
