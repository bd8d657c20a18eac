"""Amazon SES: identities, sending and account settings, per account and region."""
