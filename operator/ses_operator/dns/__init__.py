"""DNS: the publishers of records, and the resolver that looks them up at the name servers of their zone."""
