from __future__ import annotations

import pytest

from chalicelib.domain.inbound import STOP_WORDS, Inbound


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        " Stop. ",
        "«СТОП!»",
        "стоп, спасибо",
        "СТОП SHOP",
        "CTOП",
        "Ｓtop",
        "\n\tStop\n",
        "... стоп",
        "UNSUBSCRIBE",
        "отписаться от рассылки",
        "Отпишите меня",
        "STOPALL",
        "Стоп,хватит",
        "стоп.Не пишите мне",
        "СТОП!!!Спасибо",
        "Stop/Стоп",
        "стоп—хватит",
        "(стоп)спасибо",
        "_STOP_",
    ],
)
def test_a_text_that_begins_with_a_stop_word_refuses_messages(text: str) -> None:
    assert Inbound("79770000001", text).says_stop(STOP_WORDS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "!",
        "Стоп-кадр",
        "STOPPED",
        "не стоп",
        "Cancel my order",
        "Do not stop",
        "стопка",
        "стоп_кадр",
        "0",
        "\x00",
        "x" * 10**5,
    ],
)
def test_a_text_that_does_not_begin_with_a_stop_word_opts_nobody_out(text: str) -> None:
    assert not Inbound("79770000001", text).says_stop(STOP_WORDS)


def test_a_stop_word_may_be_several_words() -> None:
    words = ("не присылайте", "  ", "!")
    assert Inbound("", "Не присылайте больше").says_stop(words)
    assert Inbound("", "Не, присылайте!").says_stop(words)
    assert Inbound("", "Не присылайте,пожалуйста").says_stop(words)
    assert Inbound("", "стоп-смс").says_stop(("Стоп-СМС",))
    assert not Inbound("", "стоп").says_stop(("Стоп-СМС",))
    assert not Inbound("", "Не").says_stop(words)
    assert not Inbound("", "").says_stop(words)
