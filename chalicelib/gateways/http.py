"""Any provider over HTTP, declared in GATEWAY_OPTIONS. docs/gateways/http.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from ..domain.outcome import Kind, Outcome
from ..errors import BadSettings
from .answer import Answer, outcome_by_code, outcome_of_code, outcome_of_status, seconds_to_wait
from .http_rules import Rule, json_in, rule_of
from .http_template import OF_MESSAGE, OF_SECRET, check, fill, fill_json, names_in, texts_of, values_of
from .port import Capabilities, Options, Request, Sms, form_request, json_request

CAPABILITIES = Capabilities(dedupes=None, options=("answers", "body", "fields", "headers", "method", "path"))

BODIES = ("form", "json", "query")
METHODS = ("POST", "GET")
IN_PATH = OF_SECRET | {"id", "phone", "phone_plus", "text"}
IN_HEADERS = OF_SECRET | {"id", "phone", "phone_plus"}
"""A header is in ASCII."""

HEADER = re.compile(r"[A-Za-z0-9-]+")

PLACE = "GATEWAY_OPTIONS"


class Http:
    def __init__(self, options: Options) -> None:
        given = options.values
        self._url = options.url
        self._body = _one_of("body", given.get("body", "form"), BODIES)
        self._method = _one_of("method", given.get("method", "POST"), METHODS)
        self._path = given.get("path", "")
        self._headers: Mapping[str, str] = given.get("headers", {})
        self._fields: Mapping[str, Any] = given.get("fields", {})
        self._check_address()
        self._check_fields()
        self._rules = _rules(given.get("answers"))

    def request(self, sms: Sms, secret: str) -> Request:
        """Values are escaped for their place: the path and the query as in a URL, the body as a form or as JSON."""
        if self._needs_password and not all(secret.partition(":")):
            raise BadSettings("GATEWAY_TOKEN: USER:PASSWORD is expected")
        values = values_of(sms, secret)
        url = self._url + (fill(self._path, values, lambda value: quote(value, safe="")) or "")
        headers = _headers(self._headers, values)
        fields = fill_json(self._fields, values)
        if self._body == "json":
            return json_request(url, fields, headers)
        if self._body == "form":
            return form_request(url, fields, headers)
        return Request(f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}", b"", headers, self._method)

    def outcome(self, answer: Answer, now: datetime) -> Outcome:
        """By the first rule that fits. Without one, the careful reading of the status: no 2xx is a success."""
        if answer.status is None:
            return outcome_of_status(answer, now)
        body = json_in(answer.body)
        for rule in self._rules:
            code = rule.code(answer.status, answer, body)
            if code is not None:
                return _outcome_of(rule, answer, code, now)
        return outcome_of_status(answer, now)

    def _check_address(self) -> None:
        if self._method == "GET" and self._body != "query":
            raise BadSettings(f"{PLACE}: body: query is expected by the method GET")
        if not isinstance(self._path, str) or (self._path and not self._path.startswith("/")):
            raise BadSettings(f"{PLACE}: path: a path such as /send/{{id}} is expected")
        check(f"{PLACE}: path", self._path, IN_PATH)
        for name, template in _texts("headers", self._headers).items():
            if not HEADER.fullmatch(name):
                raise BadSettings(f"{PLACE}: headers: names of letters, digits and hyphens are expected")
            if not _fits_header(template):
                raise BadSettings(f"{PLACE}: headers.{name}: ASCII without line breaks is expected")
            check(f"{PLACE}: headers.{name}", template, IN_HEADERS)

    def _check_fields(self) -> None:
        is_json = self._body == "json"
        if is_json and not isinstance(self._fields, dict):
            raise BadSettings(f"{PLACE}: fields: an object is expected")
        fields = self._fields if is_json else _texts("fields", self._fields)
        texts = dict(texts_of(f"{PLACE}: fields", fields))
        for place, template in texts.items():
            check(place, template, OF_MESSAGE | OF_SECRET, may_be_int=is_json)
        used = names_in(" ".join([self._path, *texts.values(), *self._headers.values()]))
        for name, names in {"phone": {"phone", "phone_plus"}, "text": {"text"}}.items():
            if used.isdisjoint(names):
                raise BadSettings(f"{PLACE}: fields: {{{name}}} is expected in one of them")
        self._needs_password = "password" in used


make_adapter = Http


def _one_of(name: str, given: object, allowed: tuple[str, ...]) -> str:
    if given not in allowed:
        raise BadSettings(f"{PLACE}: {name}: one of {', '.join(allowed)} is expected")
    return str(given)


def _texts(name: str, given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(one, str) for one in given.values()):
        raise BadSettings(f"{PLACE}: {name}: an object whose values are texts is expected")
    return given


def _headers(templates: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    headers = {name: fill(template, values) or "" for name, template in templates.items()}
    for name, value in headers.items():
        if not _fits_header(value):
            raise BadSettings(f"GATEWAY_TOKEN: ASCII without line breaks is expected by the header {name}")
    return headers


def _fits_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _rules(given: Any) -> list[Rule]:
    if not isinstance(given, list):
        raise BadSettings(f"{PLACE}: answers: a list of rules is expected")
    rules = [rule_of(f"{PLACE}: answers[{number}]", one) for number, one in enumerate(given)]
    if not any(rule.kind is Kind.ACCEPTED for rule in rules):
        raise BadSettings(f"{PLACE}: answers: a rule with the kind accepted is expected")
    return rules


def _outcome_of(rule: Rule, answer: Answer, code: str, now: datetime) -> Outcome:
    if rule.wait is not None and seconds_to_wait(answer, now) is None:
        return outcome_of_code(rule.kind, answer, code, rule.wait)
    return outcome_by_code(rule.kind, answer, code, now)
