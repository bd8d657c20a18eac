"""The IAM permissions that the operator and its features need, and policies made of them. Pure."""
