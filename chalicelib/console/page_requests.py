"""Requests of console pages: the user, the language and the form fields; the pages that answer them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from chalice.app import Request, Response

from ..access.audit import author_of
from ..adapters.services import Services
from ..domain.audit_record import Author
from ..domain.principal import Principal
from ..errors import BadInput, Refusal, TooLarge
from ..http.bodies import BODY_LIMIT
from ..http.calls import base_url, raw_body
from ..http.file_forms import FileForm, SentFile, is_file_form, read_file_form
from ..http.pages import page
from ..http.paging import MAX_POSITION, Page, next_url, read_page
from ..http.phones import shown_to
from ..http.queries import query_of
from ..texts import Text
from .languages import chosen_language
from .own_addresses import HOME, own_address
from .session import Session, form_token

TEMPLATES = Path(__file__).parent / "templates"
NO_QUERY: Mapping[str, str] = {}

IN_A_FORM: Mapping[str, Text] = {
    "field.moment_format": Text("console.moment_format"),
    "field.no_such_moment": Text("console.no_such_moment"),
}
"""What a person reads in place of the API's published words, by their code."""

LONGEST_LIST = 100
"""Rows of a page. A refused row of an import takes up to 4 KB in the file and 20 KB on its page."""


@dataclass(frozen=True)
class PageRequest:
    """`session` is None on pages that need no sign-in. `typed`: the fields of a draft, in place of those submitted."""

    services: Services
    raw_request: Request
    session: Session | None = None
    typed: Mapping[str, list[str]] | None = None

    @property
    def own_session(self) -> Session:
        if self.session is None:
            raise ValueError("a page without a sign-in has no user")
        return self.session

    @property
    def principal(self) -> Principal:
        return self.own_session.user.principal

    @property
    def author(self) -> Author:
        return author_of(self.services, self.principal.name)

    @cached_property
    def prefix(self) -> str:
        """The part of the URL path before `/console`: API Gateway's stage, or an empty string."""
        _, _, _, *path = self.base_url.split("/", 3)  # urlsplit raises for a Host such as "["
        return f"/{path[0]}" if path else ""

    @property
    def path(self) -> str:
        """The path of this page, after the prefix."""
        path: str = self.raw_request.context["resourcePath"]
        for name, value in (self.raw_request.uri_params or {}).items():
            path = path.replace(f"{{{name}}}", value).replace(f"{{{name}+}}", value)
        return path

    @property
    def address(self) -> str:
        """The path with the query, as a form or a link brings it back."""
        sent = self.raw_request.query_params
        pairs = [(name, value) for name in sent for value in sent.getlist(name)] if sent else []
        return self.path + (f"?{urlencode(pairs)}" if pairs else "")

    @property
    def cookie_path(self) -> str:
        return f"{self.prefix}{HOME}"

    @property
    def may_write(self) -> bool:
        """Whether the user may submit the forms of the console. Pages offer them to nobody else."""
        return self.session is not None and self.principal.may(writes=True)

    @property
    def is_secure(self) -> bool:
        return self.base_url.startswith("https:")

    @property
    def is_from_own_site(self) -> bool:
        """By Sec-Fetch-Site, or by Origin in browsers that do not send it. A program sends neither header."""
        site, origin = (self.raw_request.headers.get(name) for name in ("sec-fetch-site", "origin"))
        if site not in (None, "same-origin", "none"):
            return False
        own = "/".join(self.base_url.split("/", 3)[:3])
        return site == "same-origin" or origin in (None, own)

    @cached_property
    def base_url(self) -> str:
        return base_url(self.services, self.raw_request)

    @cached_property
    def language(self) -> str:
        headers = self.raw_request.headers
        return chosen_language(headers.get("cookie"), headers.get("accept-language", ""))

    @property
    def query(self) -> dict[str, str]:
        return query_of(self.raw_request)

    @cached_property
    def form(self) -> dict[str, list[str]]:
        """The fields of the form, with line ends converted from CRLF to LF. Raises BadInput, TooLarge."""
        if self.typed is not None:
            return dict(self.typed)
        if self.file_form is not None:
            return self.file_form.fields
        raw = raw_body(self.raw_request)
        if len(raw) > BODY_LIMIT:
            raise TooLarge(Text("console.form_too_large", most=BODY_LIMIT // 1024))
        try:
            fields = parse_qs(raw.decode("utf-8"), keep_blank_values=True, errors="strict")
        except ValueError as error:
            raise BadInput.of_request(Text("console.form_not_utf8")) from error
        return {name: [value.replace("\r\n", "\n") for value in values] for name, values in fields.items()}

    @cached_property
    def file_form(self) -> FileForm | None:
        """None if the body is no form with a file. Raises BadInput, TooLarge."""
        content_type = self.raw_request.headers.get("content-type", "")
        return read_file_form(raw_body(self.raw_request), content_type) if is_file_form(content_type) else None

    def file(self, name: str) -> SentFile:
        """Raises BadInput if the person has chosen no file."""
        sent = self.file_form.files.get(name) if self.file_form else None
        if sent is None:
            raise BadInput.of_request(Text("console.no_file"))
        return sent

    def field(self, name: str) -> str:
        return self.form.get(name, [""])[-1]

    def list_page(self, numbers: int, length: int, highest: int = MAX_POSITION) -> Page:
        """`numbers`: how many numbers the cursor of this list has, each at most `highest`.

        `length`: rows, if the query has no `limit`. Raises BadInput.
        """
        return read_page(self.query, numbers, default=length, most=LONGEST_LIST, highest=highest)

    def next_page(
        self, page: Page, next_position: Sequence[int] | None, query: Mapping[str, str] = NO_QUERY
    ) -> str | None:
        """The address of the next page of this list; None after the last page. `query`: its filters."""
        return next_url(self.prefix + self.path, query, page, next_position)

    def shown(self, text: str) -> str:
        """A text that is a phone number, or may have one, as the user may see it."""
        return shown_to(self.principal)(text)

    def localized(self, text: Text) -> str:
        return IN_A_FORM.get(text.code, text).in_language(self.language)

    def page(self, template: str, status_code: int = 200, **values: Any) -> Response:
        session = self.session
        shared: dict[str, Any] = {
            "prefix": self.prefix,
            "path": self.path,
            "page_address": own_address(self.address),
            "may_write": self.may_write,
            "is_answer": self.raw_request.method == "POST",  # a form of it may show what was typed and is not saved
            "shown": self.shown,
            "localized": self.localized,
            "user": session.user.principal if session else None,
            "csrf": form_token(self.services, session) if session else "",
            "is_local": self.services.settings.is_local,
        }
        return page(TEMPLATES, template, status_code, language=self.language, **(shared | values))

    def refusal_page(self, refusal: Refusal, template: str, **values: Any) -> Response:
        """The page with the status and the headers of the refusal, such as Retry-After.

        Browsers do not know the schemes of WWW-Authenticate.
        """
        response = self.page(template, refusal.status_code, **values)
        response.headers |= {name: value for name, value in refusal.headers.items() if name != "WWW-Authenticate"}
        return response

    def redirect(self, path: str, **query: object) -> Response:
        """Redirects to another page of the console; the browser requests it with GET."""
        location = f"{self.prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        return Response("", status_code=303, headers={"Location": location, "Cache-Control": "no-store"})
