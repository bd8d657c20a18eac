"""ses-operator: a Kubernetes operator for Amazon SES identities."""
