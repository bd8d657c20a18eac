"""The metrics: the registry of all, and the samples made from statuses and mail figures. Pure."""
