"""How each provider tells the balance of an account: the question, its answers, and the form for the simulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .form import Received


@dataclass(frozen=True)
class Told:
    """An answer. `name`: a sentence about it. `balance`: what it means, as `97.5 RUB`; empty: no balance."""

    name: str
    status: int
    body: str
    balance: str = ""


@dataclass(frozen=True)
class BalanceTable:
    """`method`, `url`, `body`, `headers`: the question, with the secret of the provider's table.

    `path`: of the question at the simulator. `is_allowed`: whether its credentials are right. `tell`: the body that
    tells an amount. `answers`: the first one tells a balance, and the second one refuses wrong credentials.
    """

    method: str
    url: str
    path: str
    is_allowed: Callable[[Received], bool]
    tell: Callable[[float], str]
    answers: tuple[Told, ...]
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


def by_basic(post: Received) -> bool:
    return post.basic() == post.secret


def by_login(login: str, password: str) -> Callable[[Received], bool]:
    """In these fields of the form."""
    return lambda post: f"{post.form().get(login)}:{post.form().get(password)}" == post.secret


def aero(amount: object) -> str:
    return json.dumps({"success": True, "data": {"balance": amount}, "message": None})


REFUSED_BY_AERO = '{"success": false, "data": null, "message": "Your request was made with invalid credentials."}'
REFUSED_BY_TWILIO = '{"code": 20003, "message": "Authenticate", "status": 401}'
REFUSED_BY_INFOBIP = '{"requestError": {"serviceException": {"messageId": "UNAUTHORIZED", "text": "Invalid login"}}}'

BALANCES = {
    "infobip": BalanceTable(
        "GET",
        "https://abc123.api.infobip.com/account/1/balance",
        "/account/1/balance",
        lambda post: post.headers.get("Authorization") == f"App {post.secret}",
        lambda amount: json.dumps({"balance": amount, "currency": "EUR"}),
        (
            Told("the balance", 200, '{"balance": 47.79134, "currency": "EUR"}', "47.79134 EUR"),
            Told("the key is wrong", 401, REFUSED_BY_INFOBIP),
            Told("no currency", 200, '{"balance": 47}', "47 "),
            Told("a currency that is none", 200, '{"balance": 47, "currency": "euro"}', "47 "),
            Told("the key may not ask", 403, ""),
        ),
        headers={"Authorization": "App key", "Accept": "application/json"},
    ),
    "jasmin": BalanceTable(
        "GET",
        "http://127.0.0.1:1401/balance?username=foo&password=b%3Aar",
        "/balance",
        by_login("username", "password"),
        lambda amount: json.dumps({"balance": amount, "sms_count": "ND"}),
        (
            Told("the balance", 200, '{"balance": 97.5, "sms_count": "ND"}', "97.5 "),
            Told("the password is wrong", 403, '"Authentication failure for username:foo"'),
            Told("the user has no limit", 200, '{"balance": "ND", "sms_count": "ND"}'),
        ),
    ),
    "smsaero": BalanceTable(
        "POST",
        "https://gate.smsaero.ru/v2/balance",
        "/v2/balance",
        by_basic,
        aero,
        (
            Told("the balance", 200, aero(337.03), "337.03 RUB"),
            Told("the key is wrong", 401, REFUSED_BY_AERO),
            Told("the key is wrong, with 200", 200, REFUSED_BY_AERO),
            Told("no data", 200, '{"success": true, "data": null, "message": null}'),
        ),
        "{}",
        {"Authorization": "Basic YW5uYUBleGFtcGxlLmNvbTprZXk=", "Content-Type": "application/json"},
    ),
    "smsc": BalanceTable(
        "POST",
        "https://smsc.ru/sys/balance.php",
        "/sys/balance.php",
        by_login("login", "psw"),
        lambda amount: json.dumps({"balance": f"{amount:.2f}", "currency": "RUB"}),
        (
            Told("the balance", 200, '{"balance": "84.75", "currency": "KZT"}', "84.75 KZT"),
            Told("the login is wrong", 200, '{"error": "authorise error", "error_code": 2}'),
            Told("a debt", 200, '{"balance": "-84.75", "credit": "500", "currency": "RUB"}', "-84.75 RUB"),
            Told("too many questions", 200, '{"error": "duplicate request, wait a minute", "error_code": 9}'),
        ),
        "login=demo&psw=se%3Acret&cur=1&fmt=3",
        FORM_HEADERS,
    ),
    "smsru": BalanceTable(
        "POST",
        "https://sms.ru/my/balance",
        "/my/balance",
        lambda post: post.form().get("api_id") == post.secret,
        lambda amount: json.dumps({"status": "OK", "status_code": 100, "balance": amount}),
        (
            Told("the balance", 200, '{"status": "OK", "status_code": 100, "balance": 4122.56}', "4122.56 RUB"),
            Told("the api_id is wrong", 200, '{"status": "ERROR", "status_code": 200, "status_text": "api_id"}'),
        ),
        "api_id=00000000-0000-0000-0000-000000000000&json=1",
        FORM_HEADERS,
    ),
    "twilio": BalanceTable(
        "GET",
        "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000000/Balance.json",
        "/2010-04-01/Accounts/{account}/Balance.json",
        by_basic,
        lambda amount: json.dumps({"balance": f"{amount:.4f}", "currency": "USD"}),
        (
            Told("the balance", 200, '{"account_sid": "AC0", "balance": "3.1400", "currency": "USD"}', "3.14 USD"),
            Told("the token is wrong", 401, REFUSED_BY_TWILIO),
            Told("a subaccount", 200, '{"account_sid": "AC1", "balance": null, "currency": null}'),
        ),
        headers={"Authorization": "Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDp0b2tlbg=="},
    ),
    "vonage": BalanceTable(
        "GET",
        "https://rest.nexmo.com/account/get-balance",
        "/account/get-balance",
        by_basic,
        lambda amount: json.dumps({"value": amount, "autoReload": False}),
        (
            Told("the balance", 200, '{"value": 10.28, "autoReload": false}', "10.28 EUR"),
            Told("the secret is wrong", 401, '{"error-code": "401"}'),
        ),
        headers={"Authorization": "Basic YWJjZDEyMzQ6c2VjcmV0"},
    ),
}
"""By the name of the provider. The sources are those of its page in docs/gateways."""
