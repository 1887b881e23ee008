"""The DynamoDB tables, one file each. PynamoDB is their business and nobody else's."""
