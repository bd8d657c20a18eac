"""The verifier: looks records up in DNS, as SES does."""
