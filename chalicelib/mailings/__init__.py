"""Mailings: lifecycle, audience, preview, placeholders, statistics and the test message."""
