"""The plan of an identity: what differs, what to do about it, and what would be done. Pure."""
