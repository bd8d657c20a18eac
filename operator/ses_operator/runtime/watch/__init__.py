"""Watches, and the stores that they keep up to date."""
