"""What the providers report: delivery receipts, one file per provider. Only the API loads them."""
