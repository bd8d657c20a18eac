"""The caller of a request, and its permissions."""
