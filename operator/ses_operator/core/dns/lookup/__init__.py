"""What the answers of name servers say about a record, and what to do about it. Pure."""
