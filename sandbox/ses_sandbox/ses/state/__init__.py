"""The state of SES per account and region, and the rules by which it changes."""
