"""One call to AWS: its clients, its turn in the request budget, its thread, its metrics."""
