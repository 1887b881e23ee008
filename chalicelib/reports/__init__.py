"""The daily report, as text, CSV files and an email."""
