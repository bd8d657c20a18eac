"""The operations of both versions of the API, by subject."""
