"""The Kubernetes API: client, errors, Events, resources."""
