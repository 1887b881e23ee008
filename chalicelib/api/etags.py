"""ETags of single objects, If-None-Match and If-Match, as RFC 9110 defines them (sections 8.8.3 and 13.1).

An ETag is the version of all fields that the object shows; the forms of the console have one of those that they edit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from chalice.app import Response

from ..domain.field_versions import Shown, version_of
from ..errors import BadInput, NotAsRead, Outdated
from ..http.calls import Call
from ..texts import Text

TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
LIST = re.compile(rf"[ \t]*+(?:{TAG})?(?:[ \t]*+,[ \t]*+(?:{TAG})?)*+[ \t]*+")
ANY = "*"
"""Any version: the object only has to exist."""

WEAK = "W/"

DERIVED = {"warnings", "next_starts"}
"""Fields of an answer that follow from other fields or other objects."""


def with_etag(response: Response) -> Response:
    """`response`: its body is the object as it is now."""
    response.headers["ETag"] = _etag(cast(Mapping[str, object], response.body))
    return response


def answer_changed(represented: Mapping[str, object], partial: bool) -> Response:
    """`partial`: to a PATCH. RFC 9110 (9.3.4) forbids an ETag in the answer to a PUT that stored another form."""
    response = Response(dict(represented))
    return with_etag(response) if partial else response


def answer_read(call: Call, represented: Mapping[str, object]) -> Response:
    """304 without a body if the caller has this version."""
    etag, known = _etag(represented), _read(call, "If-None-Match") or []
    if known == [ANY] or etag in map(_opaque, known):
        return Response("", status_code=304, headers={"ETag": etag})
    return Response(dict(represented), headers={"ETag": etag})


@contextmanager
def if_match(call: Call) -> Iterator[Shown | None]:
    """What the caller has read, for a use case; None without the header. Raises NotAsRead if the object is another.

    The comparison is strong, as RFC 9110 wants it: a weak ETag matches nothing.
    """
    sent = _read(call, "If-Match")
    versions = [tag.strip('"') for tag in sent or () if not tag.startswith(WEAK)]
    try:
        yield None if sent in (None, [ANY]) else Shown(tuple(versions))
    except Outdated as error:
        fields = ", ".join(error.changed)
        text = Text("request.changed_since", fields=fields) if fields else Text("request.not_as_read")
        raise NotAsRead(text) from error


def _etag(body: Mapping[str, object]) -> str:
    fields = {name: value for name, value in body.items() if name not in DERIVED}
    return f'"{version_of(fields, tuple(fields))}"'


def _read(call: Call, header: str) -> list[str] | None:
    """The ETags of the header, or [ANY]; None without the header. Raises BadInput."""
    sent = call.request.headers.get(header.lower())
    if sent is None or sent.strip() == ANY:
        return sent and [ANY]
    tags = re.findall(TAG, sent)
    if not tags or not LIST.fullmatch(sent):
        raise BadInput.of_request(Text("request.etags", header=header))
    return tags


def _opaque(tag: str) -> str:
    """The ETag for the weak comparison."""
    return tag.removeprefix(WEAK)
