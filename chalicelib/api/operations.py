"""The operations of the API: method, path, what each accepts and returns. The description and the routes read them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..domain.allowed_steps import (
    CANCEL,
    CHANGE,
    DELETE,
    PAUSE,
    RESEND,
    RESUME,
)
from ..http.bodies import CSV
from ..http.filters import AUDIT_FILTERS, CLIENT_FILTERS, MAILING_FILTERS
from ..http.paging import PAGE_QUERY
from .metrics import TEXT

ERRORS = {
    400: ("BadInput", "Invalid input: the errors of each field, or `detail` for the whole request"),
    401: ("NotAuthenticated", "The token or secret is missing or unknown"),
    403: ("NotAllowed", "The role of the token does not allow this"),
    404: ("NotFound", "Not found"),
    409: (
        "Conflict",
        "Not allowed in the current status, or changed by another request at the same time; `detail` has the reason",
    ),
    412: ("NotAsRead", "The object is no longer as it was when the ETag in If-Match was read: read it again"),
    428: ("ReadFirst", "The call needs If-Match, with the ETag of the mailing that was read"),
    413: ("TooLarge", "The body is over 256 KB, or the file is over 5 MB"),
    415: ("WrongMediaType", "Unsupported media type: JSON, a form, or a file is expected"),
    422: ("KeyReused", "The Idempotency-Key was used for another request"),
    429: (
        "TooManyRequests",
        "More requests than the stage allows: repeat the request after the seconds in Retry-After",
    ),
    500: ("ServerError", "An error of the service; the log has it under the `request_id`"),
    503: (
        "Unavailable",
        "A table, a queue or S3 is throttled or does not answer: repeat the request after the seconds in Retry-After",
    ),
}
"""By status: the name of the described answer, and what it means."""

ALWAYS = (400, 401, 403)
OF_SERVICE = (429, 500, 503)
GATEWAY = "gateway"

TAGS = {
    "/Clients/import/": "Imports",
    "/StopList/import/": "Imports",
    "/Clients/": "Clients",
    "/StopList/": "Stop list",
    "/Mailing/": "Mailings",
    "/Segments/": "Segments",
    "/Series/": "Series",
    "/Stats/": "Statistics",
    "/metrics/": "Statistics",
    "/Receipts/": "Receipts",
    "/Audit/": "Audit",
}
"""The groups of operations, by the beginning of the path."""

READ_FIRST = ("/Mailing/{id}/approve/",)
"""Calls about what was read: they need its ETag in If-Match."""

WITH_ETAG = ("/Clients/{id}/", "/Mailing/{id}/", "/Segments/{id}/", "/Series/{id}/")

PAGED = (CSV, "Totals", "MailingStats", "ImportWithRows")
"""Answers with pages or parts that are not plain lists."""


@dataclass(frozen=True)
class Operation:
    """`accepts` and `returns` name a schema, or are CSV or TEXT; `is_list` makes the answer a page of that schema.

    `query`: names of query parameters. `caller`: the security scheme.
    `step`: a step of a mailing that its status has to allow. `repeated`: the status if there is nothing to change.
    """

    path: str
    method: str
    summary: str
    returns: str | None = None
    accepts: str | None = None
    status: int = 200
    is_list: bool = False
    query: tuple[str, ...] = ()
    caller: str = "token"
    step: str | None = None
    repeated: int | None = None

    @property
    def key(self) -> str:
        """Its name in descriptions.json and examples.json."""
        return f"{self.method} {self.path}"

    @property
    def tag(self) -> str:
        return next(tag for beginning, tag in TAGS.items() if self.path.startswith(beginning))

    @property
    def is_paged(self) -> bool:
        return self.is_list or self.returns in PAGED

    @property
    def has_etag(self) -> bool:
        """Whether it is about one object that has an ETag."""
        return self.path in WITH_ETAG

    @property
    def is_read_first(self) -> bool:
        return self.path in READ_FIRST

    @property
    def answers_etag(self) -> bool:
        """Whether its answer has the ETag of the object: that to a PUT has none."""
        is_new = self.method == "post" and f"{self.path}{{id}}/" in WITH_ETAG
        return is_new or (self.has_etag and self.method in ("get", "patch"))

    @property
    def query_names(self) -> tuple[str, ...]:
        """All query parameters. The API refuses any other."""
        return (*self.query, *PAGE_QUERY) if self.is_paged else self.query

    @property
    def errors(self) -> list[int]:
        if self.caller == GATEWAY:
            return [400, 401, 404, 413, 415, *OF_SERVICE]
        return [
            *ALWAYS,
            *([404] if "{" in self.path else []),
            *([] if self.method == "get" else [409, 413, 415]),
            *([412] if (self.has_etag and self.method != "get") or self.is_read_first else []),
            *([428] if self.is_read_first else []),
            *([422] if self.method == "post" else []),
            *OF_SERVICE,
        ]


IMPORT_QUERY = ("file_name", "columns", "dry_run")

OPERATIONS = [
    Operation("/Clients/", "get", "List clients", "Client", is_list=True, query=CLIENT_FILTERS),
    Operation("/Clients/", "post", "Register a client", "Client", "NewClient", 201),
    Operation("/Clients/import/", "get", "List imports, newest first", "Import", is_list=True),
    Operation("/Clients/import/", "post", "Import clients from a file", "Import", CSV, 202, query=IMPORT_QUERY),
    Operation("/Clients/import/{id}/", "get", "Read an import, its progress and its refused rows", "ImportWithRows"),
    Operation("/Clients/import/{id}/start/", "post", "Import the file of an ended dry run", "Import", status=202),
    Operation("/Clients/import/{id}/undo/", "post", "Undo an import of the last 24 hours", "Import", status=202),
    Operation("/Clients/import/{id}/kept/", "get", "List the clients that an undo has left", "Kept", is_list=True),
    Operation("/Clients/import/{id}/refused/", "get", "Export the refused rows of an import, with the reasons", CSV),
    Operation("/Clients/export/", "get", "Export clients as CSV, in parts", CSV, query=(*CLIENT_FILTERS, "attributes")),
    Operation("/Clients/{id}/", "get", "Read a client", "Client"),
    Operation("/Clients/{id}/", "put", "Replace a client", "Client", "NewClient"),
    Operation("/Clients/{id}/", "patch", "Change a client", "Client", "ClientChange"),
    Operation("/Clients/{id}/", "delete", "Delete a client", status=204),
    Operation("/Clients/{id}/history/", "get", "List the messages of a client", "MailedMessage", is_list=True),
    Operation("/Clients/{id}/opt_out/", "post", "Put a client on the stop list: nothing is sent to it", "Client"),
    Operation("/Clients/{id}/opt_in/", "post", "Take a client off the stop list", "Client"),
    Operation("/Clients/{id}/withdraw_consent/", "post", "Withdraw a client's consent to marketing", "Client"),
    Operation("/Clients/{id}/consent_report/", "get", "Export a client's consent and its messages as CSV", CSV),
    Operation("/Clients/{id}/erase/", "post", "Erase a client and its traces, for good", "Erased", status=202),
    Operation("/Clients/erase/", "post", "Erase all about a phone number, for good", "Erased", "PhoneNumber", 202),
    Operation("/Clients/readmit/", "post", "Let a phone number that was erased come back", "Erased", "PhoneNumber"),
    Operation("/StopList/", "get", "List the phone numbers that nothing is sent to", "Stop", is_list=True),
    Operation("/StopList/", "post", "Put a phone number on the stop list", "Stop", "NewStop", 201, repeated=200),
    Operation(
        "/StopList/import/",
        "post",
        "Import the stop list from a file",
        "Import",
        CSV,
        202,
        query=("file_name", "columns"),
    ),
    Operation("/StopList/export/", "get", "Export the stop list as CSV, in parts", CSV),
    Operation("/StopList/{phone_number}/", "get", "Look up a phone number in the stop list", "Stop"),
    Operation("/StopList/{phone_number}/", "delete", "Take a phone number off the stop list", status=204),
    Operation("/Mailing/", "get", "List mailings, newest first", "Mailing", is_list=True, query=tuple(MAILING_FILTERS)),
    Operation("/Mailing/", "post", "Announce a mailing", "ChangedMailing", "NewMailing", 201),
    Operation("/Mailing/preview/", "post", "Preview a mailing: audience, texts and forecast", "Preview", "NewMailing"),
    Operation("/Mailing/{id}/", "get", "Read a mailing", "Mailing"),
    Operation("/Mailing/{id}/", "put", "Replace a mailing", "ChangedMailing", "NewMailing", step=CHANGE),
    Operation("/Mailing/{id}/", "patch", "Change a mailing", "ChangedMailing", "MailingChange", step=CHANGE),
    Operation("/Mailing/{id}/", "delete", "Delete a mailing and its statistics", status=204, step=DELETE),
    Operation("/Mailing/{id}/pause/", "post", "Pause a running mailing", "Mailing", step=PAUSE),
    Operation("/Mailing/{id}/resume/", "post", "Resume a paused mailing", "Mailing", step=RESUME),
    Operation("/Mailing/{id}/cancel/", "post", "Cancel a mailing", "Mailing", step=CANCEL),
    Operation("/Mailing/{id}/approve/", "post", "Approve a mailing to many clients", "Mailing"),
    Operation("/Mailing/{id}/resend/", "post", "Resend messages with given statuses", "Mailing", "Resend", step=RESEND),
    Operation("/Segments/", "get", "List segments, newest first", "Segment", is_list=True),
    Operation("/Segments/", "post", "Make a segment: a condition with a name", "Segment", "NewSegment", 201),
    Operation("/Segments/{id}/", "get", "Read a segment", "Segment"),
    Operation("/Segments/{id}/", "put", "Replace a segment", "Segment", "NewSegment"),
    Operation("/Segments/{id}/", "patch", "Change a segment", "Segment", "SegmentChange"),
    Operation("/Segments/{id}/", "delete", "Delete a segment; mailings keep its condition", status=204),
    Operation("/Segments/{id}/count/", "get", "Count the clients of a segment", "SegmentCount"),
    Operation("/Series/", "get", "List series, newest first", "Series", is_list=True),
    Operation("/Series/", "post", "Announce a series: a mailing that is repeated", "Series", "NewSeries", 201),
    Operation("/Series/{id}/", "get", "Read a series", "Series"),
    Operation("/Series/{id}/", "put", "Replace a series", "Series", "NewSeries"),
    Operation("/Series/{id}/", "patch", "Change a series, from its next mailing on", "Series", "SeriesChange"),
    Operation("/Series/{id}/pause/", "post", "Pause a series: no mailing is made", "Series"),
    Operation("/Series/{id}/resume/", "post", "Resume a paused series", "Series"),
    Operation("/Series/{id}/end/", "post", "End a series for good", "Series"),
    Operation("/Series/{id}/skip/", "post", "Leave out a day of a series", "Series", "Skip"),
    Operation("/Stats/", "get", "Read totals, and list mailings with their counts", "Totals"),
    Operation("/metrics/", "get", "Read metrics in the Prometheus format", TEXT),
    Operation("/Receipts/", "post", "Report delivery receipts", "Taken", "Receipts", caller=GATEWAY),
    Operation("/Audit/", "get", "List audit records, newest first", "Record", is_list=True, query=tuple(AUDIT_FILTERS)),
    Operation("/Stats/{id}/", "get", "Read a mailing with its messages", "MailingStats", query=("status",)),
    Operation("/Stats/{id}/export/", "get", "Export messages of a mailing as CSV, in parts", CSV, query=("status",)),
]


def known_query(method: str, route: str) -> tuple[str, ...]:
    """The query parameters of a route such as `/Clients/{client_id}`, by the description. HEAD has those of GET."""
    path = _with_ids(route) + "/"
    return _QUERY.get(("get" if method == "HEAD" else method.lower(), path), ())


def _with_ids(path: str) -> str:
    return re.sub(r"{\w+}", "{id}", path)


_QUERY = {(operation.method, _with_ids(operation.path)): operation.query_names for operation in OPERATIONS}
