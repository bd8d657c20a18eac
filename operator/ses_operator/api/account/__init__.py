"""The kind SesAccount: access to an AWS account, its DNS, and the rules for its identities."""
