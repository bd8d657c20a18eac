"""The runtime of a controller: watches, stores, work queue, Lease, manager. Nothing here knows SES."""
