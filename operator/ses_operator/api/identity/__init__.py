"""The kind SesIdentity: its spec, one module for each subject, and its status."""
