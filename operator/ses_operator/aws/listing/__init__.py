"""The identity cache: what SES lists in each watched region."""
