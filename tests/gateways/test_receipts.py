"""Each provider's delivery receipts are read as its table (infra/local/providers/receipts) says."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.gateways.callback import Callback, message_key
from chalicelib.gateways.port import Options, Request
from chalicelib.gateways.receipts.port import Call, Keys
from chalicelib.gateways.receipts.registry import NAMES, receipt_form
from chalicelib.gateways.registry import provider
from infra.local.providers.case import PLAIN
from infra.local.providers.receipts.case import MESSAGE_ID, NOW, PHONE, SECRET, ReceiptCase, ReceiptTable
from tests.depth import depth

from .contract_gateway import KnownToken

ROOT = Path(__file__).parents[2]
BODIES = st.binary(max_size=200) | st.sampled_from(
    [b"{}", b"[]", b"null", b"[" * 5_000, b'{"results": [{}]}', b'{"results": [null, 7, "x"]}', b"a=%ff&b=%", b"&&=&;"]
)
TEXTS = st.text(max_size=30)
PAIRS = st.lists(
    st.tuples(st.sampled_from(["id", "status", "sig", "md5", "mes", "phone", ""]) | TEXTS, TEXTS), max_size=6
)


def receipt_table(name: str) -> ReceiptTable:
    table: ReceiptTable = import_module(f"infra.local.providers.receipts.{name}").TABLE
    return table


CASES = [(name, case) for name in NAMES for case in receipt_table(name).cases]


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case.name}" for name, case in CASES])
def test_a_call_means_what_the_table_of_the_provider_says(name: str, case: ReceiptCase) -> None:
    form = receipt_form(name)
    assert form.verify(case.call, receipt_table(name).keys) == (case.means is not None)
    if case.means is not None:
        assert form.read(case.call, NOW) == case.means


@pytest.mark.parametrize("name", NAMES)
def test_every_status_has_a_case_in_the_table(name: str) -> None:
    statuses = set(import_module(f"chalicelib.gateways.receipts.{name}").STATUSES)
    words = {word.rstrip(":") for case in receipt_table(name).cases for word in case.name.split()}
    assert statuses <= words


@pytest.mark.parametrize("name", NAMES)
def test_a_reason_contains_no_phone_number(name: str) -> None:
    for case in receipt_table(name).cases:
        for receipt in receipt_form(name).read(case.call, NOW).receipts:
            assert PHONE not in receipt.reason


@pytest.mark.parametrize("name", NAMES)
@given(st.sampled_from(["GET", "POST"]), PAIRS, st.dictionaries(TEXTS, TEXTS, max_size=3), BODIES)
@settings(max_examples=depth(full=300, quick=60))
def test_any_call_is_read_without_an_error_and_one_without_a_signature_is_not_genuine(
    name: str, method: str, query: list[tuple[str, str]], headers: dict[str, str], body: bytes
) -> None:
    form, keys = receipt_form(name), receipt_table(name).keys
    signed = replace(keys, stored=f"{SECRET}:signature")
    call = Call(method, "https://sms.example.com/Receipts/x/y", tuple(query), headers, body)
    form.read(call, NOW)
    if name in SIGNED:
        assert not form.verify(call, signed)


SIGNED = {"smsc", "twilio", "vonage"}
"""Providers that sign their calls, with the secret that is stored behind that of receipts."""


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"twilio"}))
def test_without_a_signature_secret_the_key_alone_counts(name: str) -> None:
    assert receipt_form(name).verify(receipt_table(name).cases[0].call, Keys(SECRET))


@pytest.mark.parametrize("key", ["", SECRET[:-1], f"{SECRET}0", f"{SECRET}:signature", "\udcff", "я"])
def test_another_key_than_the_secret_opens_nothing(key: str) -> None:
    assert Keys(SECRET).of_account(SECRET)
    assert Keys(f"{SECRET}:signature").of_account(SECRET)
    assert not Keys(f"{SECRET}:signature").of_account(key)
    assert not Keys(f"{SECRET}:signature").of_message(key, "smsc", Call("POST", "https://sms.example.com"))


@pytest.mark.parametrize(
    ("gateway", "signature"), [("", "smsc=a=b vonage=c"), ("smsc", "a=b"), ("vonage", "c"), ("twilio", "")]
)
def test_each_of_several_gateways_has_its_own_signature_secret(gateway: str, signature: str) -> None:
    assert Keys(f"{SECRET}:smsc=a=b vonage=c", gateway=gateway).signature == signature
    assert Keys(SECRET, gateway=gateway).signature == ""


@pytest.mark.parametrize("stored", ["", ":", ":signature"])
def test_an_empty_secret_opens_nothing(stored: str) -> None:
    call = Call("GET", "https://sms.example.com", (("id", str(MESSAGE_ID)),))
    assert not Keys(stored).of_account("")
    assert not Keys(stored).of_message(message_key(stored, "kannel", str(MESSAGE_ID)), "kannel", call)


def test_the_key_of_a_message_opens_no_report_of_another_message_or_provider() -> None:
    key = message_key(SECRET, "kannel", str(MESSAGE_ID))
    ours = Call("GET", "https://sms.example.com", (("id", str(MESSAGE_ID)),))
    other = Call("GET", "https://sms.example.com", (("id", str(MESSAGE_ID + 1)),))
    twice = Call("GET", "https://sms.example.com", (*other.query, *ours.query, *other.query))
    assert Keys(SECRET).of_message(key, "kannel", ours)
    assert not Keys(SECRET).of_account(key)
    assert not Keys(SECRET).of_message(key, "kannel", other)
    assert not Keys(SECRET).of_message(key, "kannel", twice)
    assert not Keys(SECRET).of_message(key, "jasmin", ours)
    assert not Keys("other").of_message(key, "kannel", ours)
    assert not Keys(SECRET).of_message(key, "kannel", Call("GET", "https://sms.example.com"))


def test_the_address_of_a_message_has_a_key_of_its_own_and_not_the_secret() -> None:
    callback = Callback("https://sms.example.com/Receipts", "kannel", KnownToken(f"{SECRET}:signature"))
    key = message_key(SECRET, "kannel", str(MESSAGE_ID))
    assert callback(MESSAGE_ID) == f"https://sms.example.com/Receipts/kannel/{key}?id={MESSAGE_ID}"
    assert SECRET not in callback(MESSAGE_ID)
    assert len(key) == 32


@pytest.mark.parametrize("name", [name for name in NAMES if provider(name).CAPABILITIES.calls_back])
def test_a_post_has_the_address_for_its_receipts_only_if_they_are_wanted(name: str) -> None:
    table = import_module(f"infra.local.providers.{name}").TABLE
    make = provider(name).make_adapter

    def posted(options: Options) -> str:
        request = make(options).request(PLAIN, table.secret)
        return f"{request.url} {request.body.decode()} {dict(request.headers)}"

    wanted = replace(table.options, callback=lambda message_id: f"https://sms.example.com/r{message_id}")
    assert f"r{PLAIN.id}" in posted(wanted)
    assert f"r{PLAIN.id}" not in posted(table.options)


ADDRESS = "https://sms.example.com/Receipts/x/y?id=120000000345"


def posted_with_address(name: str) -> Request:
    table = import_module(f"infra.local.providers.{name}").TABLE
    options = replace(table.options, callback=lambda _: ADDRESS)
    return provider(name).make_adapter(options).request(PLAIN, table.secret)


def test_each_provider_gets_the_address_in_its_own_field() -> None:
    assert dict(parse_qsl(posted_with_address("twilio").body.decode()))["StatusCallback"] == ADDRESS
    jasmin = dict(parse_qsl(posted_with_address("jasmin").body.decode()))
    assert [jasmin[f"dlr{part}"] for part in ("", "-level", "-method", "-url")] == ["yes", "3", "POST", ADDRESS]
    kannel = posted_with_address("kannel").headers
    assert (kannel["X-Kannel-DLR-Mask"], kannel["X-Kannel-DLR-Url"]) == ("19", f"{ADDRESS}&status=%d")
    (message,) = json.loads(posted_with_address("infobip").body)["messages"]
    assert message["webhooks"] == {"delivery": {"url": ADDRESS}}
    assert json.loads(posted_with_address("smsaero").body)["callbackUrl"] == ADDRESS


@pytest.mark.parametrize("name", NAMES)
def test_the_sender_loads_no_receipts(name: str) -> None:
    code = f"import sys, json; import chalicelib.gateways.{name}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    assert not [module for module in json.loads(done.stdout) if "gateways.receipts" in module]


def test_a_provider_without_receipts_is_an_error() -> None:
    with pytest.raises(KeyError):
        receipt_form("exolve")
