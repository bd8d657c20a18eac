"""The controller of SesAccounts: credentials, status, audits, mail figures."""
