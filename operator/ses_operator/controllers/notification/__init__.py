"""The controller of the emails about identities."""
