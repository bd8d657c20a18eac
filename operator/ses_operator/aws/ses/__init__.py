"""The adapters of SES: each step as its call, each answer as a plain value."""
