"""The wire formats of both versions, from botocore's models."""
