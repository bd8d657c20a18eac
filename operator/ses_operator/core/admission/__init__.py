"""Which identities an account admits: tenancy, guardrails, and claims to the same domain. Pure."""
