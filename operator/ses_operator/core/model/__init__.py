"""The values that the rest of the core is about: keys, owners, records, what SES answers, problems. Pure."""
