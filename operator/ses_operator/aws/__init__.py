"""AWS: calls at the pace that AWS allows, listings, and the adapters of SES and Route 53. Nothing here knows Kubernetes."""
