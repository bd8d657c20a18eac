"""The audit of an account: its rules, its counts, its reports. Pure."""
