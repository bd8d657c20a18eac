"""The name under which this operator appears in Kubernetes."""

from __future__ import annotations

OPERATOR = "ses-operator"
"""Field manager of its writes, source of its Events, and the beginning of the name of its Lease."""
