"""Delivery: fan-out, sending, local hours, rate limits, reconciliation, delivery receipts and the sweep."""
