"""Sealed numbers can be opened with the key, and without it they tell nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.sealed_number import seal, unseal

PHONES = st.integers(79_000_000_000, 79_999_999_999)


@given(PHONES, st.integers(0, 10**18))
def test_a_sealed_number_is_opened_with_its_key(number: int, about: int) -> None:
    assert unseal(seal(number, b"key", about), b"key", about) == number


def test_neighbours_another_key_and_another_place_seal_otherwise() -> None:
    number = 79_774_053_329
    sealed = {seal(number + step, key, about) for step in (0, 1) for key in (b"key", b"other") for about in (1, 2)}
    assert len(sealed) == 8
    assert all(0 <= one < 2**38 and one != number for one in sealed)
