"""What the providers report: delivery receipts, one file per provider. The API and `settle_receipts` load them."""
