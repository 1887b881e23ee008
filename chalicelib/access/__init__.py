"""Access: tokens, users, audit records and idempotency keys."""
