"""The control API under /_sandbox: what a test or a person does to the sandbox, not to AWS."""
