"""The status of an identity, and when to look at it again. Pure."""
