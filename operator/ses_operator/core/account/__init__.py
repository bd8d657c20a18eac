"""The status of a SesAccount. Pure."""
