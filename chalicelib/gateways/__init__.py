"""SMS gateways: external services, which may be slow, broken or down."""
