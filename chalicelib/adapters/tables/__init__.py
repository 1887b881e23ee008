"""The DynamoDB tables, one module for each. PynamoDB is imported in this package only."""
