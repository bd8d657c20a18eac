"""Sending policies: their documents, and what these mean to IAM."""
