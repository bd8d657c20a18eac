"""The Lease, by which at most one replica writes."""
