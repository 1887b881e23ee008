"""The report as an email: HTML is escaped, every text has a Russian version, and Excel opens the table."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import pytz

from chalicelib.domain import mailing as mailing_domain
from chalicelib.domain.audience import Plan
from chalicelib.domain.counts import Counts
from chalicelib.domain.email import Email
from chalicelib.domain.filter import Filter
from chalicelib.domain.mailing import Mailing
from chalicelib.domain.message import NO_ANSWER, STATUSES
from chalicelib.domain.receipt import NO_REASON
from chalicelib.domain.report import Period, Reasons, Report
from chalicelib.gateways.answer import Answer
from chalicelib.reports.email import MAX_SHOWN, TEMPLATES, compose
from chalicelib.settings import Settings
from chalicelib.texts import Text
from tests.gateways.contract_gateway import read_answer

END = datetime(2026, 11, 22, 6, tzinfo=UTC)
DAY = timedelta(days=1)
COUNTS = Counts(total=12345, sent=12000, failed=300, unknown=5)
EVIL = "<script>alert(1)</script> & \"'"
SPACE = "\u00a0"
ANSWERS = [Answer(status, "ReadTimeout") for status in (None, 302, 400, 401, 404, 500)]
REASONS = [reason for answer in ANSWERS if (reason := read_answer(answer, END).reason)]


def mailing(mailing_id: int = 1, **fields: object) -> Mailing:
    usual = {"message_text": "Скидки", "status": "finished", "plan": Plan("block", 10, 1, 1), "counts": COUNTS}
    times = {"datetime_start": END - DAY / 2, "datetime_end": END - DAY / 4, "ended_at": END - DAY / 4}
    return Mailing(mailing_id, **{**usual, **times, **fields})  # type: ignore[arg-type]


def email(
    *mailings: Mailing,
    language: str = "en",
    reasons: Reasons | None = None,
    receipts: bool = False,
    currency: str = "",
) -> Email:
    report = Report(date(2026, 11, 22), END, Period(END - DAY, END), Period(END, END + DAY))
    report.reasons = reasons or Reasons()
    for one in mailings:
        report.add(one)
    settings = Settings(
        report_recipients=("anna@example.com",),
        report_sender="reports@example.com",
        report_language=language,
        report_timezone="Europe/Moscow",
        receipts=receipts,
        gateway_currency=currency,
    )
    return compose(report, settings, pytz.timezone("Europe/Moscow"))


def table(made: Email) -> list[list[str]]:
    (attachment,) = made.attachments
    return list(csv.reader(io.StringIO(attachment.content.decode("utf-8-sig"), newline=""), delimiter=";"))


def scheduled(**fields: object) -> Mailing:
    waits = {"status": "scheduled", "plan": None, "ended_at": None, "counts": Counts()}
    return mailing(2, datetime_start=END + DAY / 2, datetime_end=END + DAY, **{**waits, **fields})


def test_html_escapes_texts_and_tags() -> None:
    html = email(mailing(message_text=EVIL), scheduled(message_text=EVIL, chosen=Filter((EVIL,)))).html
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &#34;&#39;") == 3


def test_the_email_is_in_english_or_russian_with_times_in_the_reports_zone() -> None:
    english, russian = (email(mailing(), scheduled(), language=language) for language in ("en", "ru"))
    assert english.subject == "Mailings, report of 2026-11-22: sent 12,000, failed 300"
    assert russian.subject == f"Рассылки, отчёт за 22.11.2026: отправлено 12{SPACE}000, с ошибкой 300"
    assert "2026-11-21 21:00" in english.text
    assert "21.11.2026 21:00" in russian.text
    assert f"Сообщения в этих рассылках: 12{SPACE}345" in russian.text
    assert "отправлено" in russian.html
    assert '<html lang="ru">' in russian.html
    plain = re.sub(r"<[^>]*>", "", russian.html) + russian.text
    assert not re.findall(r"[A-Za-z]{3,}", plain.replace("Europe/Moscow", "")), "no English text remains"


def test_every_text_has_a_russian_version() -> None:
    sources = [path.read_text() for path in (*TEMPLATES.glob("report.*"), TEMPLATES.parent / "email.py")]
    texts = {text for source in sources for text in re.findall(r'\b_\("([^"]+)"\)', source)}
    statuses = {status.capitalize() for status in mailing_domain.STATUSES} | set(STATUSES)
    known = set(json.loads((TEMPLATES / "ru.json").read_text()))
    assert texts | statuses | {"Start", "End"} <= known
    assert len(texts) > 15


@pytest.mark.parametrize(
    "reason", [*REASONS, NO_REASON, NO_ANSWER, Text("message.not_delivered", reason="off")], ids=str
)
def test_every_reason_is_in_the_language_of_the_email(reason: Text) -> None:
    reasons = Reasons(Counter({reason: 3}))
    english, russian = (email(mailing(), language=language, reasons=reasons) for language in ("en", "ru"))
    assert f"{reason} — 3" in english.text
    assert f"{reason.in_language('ru')} — 3" in russian.text
    assert re.match("[А-Я]", reason.in_language("ru"))
    assert str(reason) not in russian.text + russian.html


def test_a_reason_stored_by_an_earlier_version_is_shown_unchanged() -> None:
    reasons = Reasons(Counter({Text("as_written", text="Something 7 new: 12."): 3}))
    assert "Something 7 new: 12. — 3" in email(mailing(), language="ru", reasons=reasons).text


def test_reasons_are_sorted_from_the_most_frequent() -> None:
    reasons = Reasons(
        Counter({Text("gateway.message_refused", status=400): 3, NO_ANSWER: 7}), other=2, is_complete=False
    )
    text = email(mailing(), reasons=reasons).text
    assert text.index(f"{NO_ANSWER} — 7") < text.index("(400). — 3") < text.index("Other reasons — 2")
    assert "Incomplete" in text


def test_the_table_has_all_mailings_and_the_email_a_limited_number() -> None:
    made = email(*(mailing(number) for number in range(1, MAX_SHOWN + 11)), language="ru")
    assert f"Показано здесь: {MAX_SHOWN}. Остальные рассылки — в приложенной таблице." in made.text
    assert made.text.count("Скидки") == MAX_SHOWN
    assert len(table(made)) == MAX_SHOWN + 11


def test_the_table_has_a_row_for_each_mailing_and_opens_in_excel() -> None:
    made = email(mailing(message_text='Скидки; "до 50%"'), scheduled(), language="ru")
    (attachment,) = made.attachments
    assert (attachment.name, attachment.kind) == ("mailings-2026-11-22.csv", "text/csv")
    assert attachment.content.startswith(b"\xef\xbb\xbfid;")
    head, row = table(made)
    assert head[:4] == ["id", "Текст", "Начало (Europe/Moscow)", "Конец (Europe/Moscow)"]
    assert row[:5] == ["1", 'Скидки; "до 50%"', "21.11.2026 21:00", "22.11.2026 03:00", "Завершена"]
    assert dict(zip(head[5:], row[5:], strict=True)) == {
        "Сообщения": "12345",
        "в очереди": "40",
        "отправлено": "12000",
        "с ошибкой": "300",
        "просрочено": "0",
        "отменено": "0",
        "неизвестно": "5",
        "Частей SMS": "0",
        "Стоимость": "0,00",
    }


@pytest.mark.parametrize(("language", "amount"), [("en", "10.50 RUB"), ("ru", "10,50 RUB")])
def test_the_report_has_what_the_texts_have_cost(language: str, amount: str) -> None:
    spent = mailing(counts=Counts(total=3, sent=3, parts=3, cost=10_500_000))
    made = email(spent, mailing(2, counts=Counts(total=1, sent=1)), language=language, currency="RUB")
    assert made.html.count(amount) == made.text.count(amount) == 2, "of the day and of one mailing"
    assert [row[-2:] for row in table(made)[1:]] == [["3", amount[:5]], ["0", f"0{amount[2]}00"]]
    assert table(made)[0][-1] == {"en": "Cost, RUB", "ru": "Стоимость, RUB"}[language]
    assert "RUB" not in email(mailing(), currency="RUB").text


def test_delivered_messages_are_shown_if_receipts_are_enabled() -> None:
    counts = Counts(total=10, sent=9, failed=1, delivered=7, undelivered=2)
    without, with_receipts = (email(mailing(counts=counts), receipts=receipts) for receipts in (False, True))
    assert "delivered" not in without.text + without.html + str(table(without))
    assert re.search(r"sent: 9\s+delivered: 7\s+undelivered: 2\s+failed: 1", with_receipts.text)
    assert (
        dict(zip(*table(with_receipts), strict=True)).items()
        >= {"sent": "9", "delivered": "7", "undelivered": "2"}.items()
    )


def test_formulas_are_escaped_in_the_table() -> None:
    assert table(email(mailing(message_text='=HYPERLINK("http://evil")')))[1][1] == '\'=HYPERLINK("http://evil")'


def test_the_earliest_and_latest_times_can_be_shown() -> None:
    ends = replace(
        mailing(), datetime_start=datetime.min.replace(tzinfo=UTC), datetime_end=datetime.max.replace(tzinfo=UTC)
    )
    assert "9999-12-31" in email(ends).text
