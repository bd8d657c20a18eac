"""DKIM keys of the customer: read, made, recognized."""
