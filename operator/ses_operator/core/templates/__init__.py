"""Custom verification email templates: what is wanted, planned and reported. Pure."""
