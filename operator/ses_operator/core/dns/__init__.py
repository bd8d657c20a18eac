"""DNS as plain values: the plan of a zone, its ledger, diagnosis, and the move of records to another place. Pure."""
