"""The states that the operator compares: desired, observed, remembered; and the steps between them. Pure."""
