"""Emails about identities: which are due, and their text. Pure."""
