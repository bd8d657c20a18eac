"""What a suspended identity reports: all that would be done, and that it is not."""

from __future__ import annotations

from ses_operator.api.reasons import Reason
from ses_operator.core.plan import Plan
from ses_operator.core.problems import Problem


def suspension(plan: Plan) -> Problem | None:
    """Why a suspended identity is not as asked for; None where nothing would be done anyway."""
    if plan.is_empty:
        return None
    steps = "; ".join(plan.describe())
    return Problem(Reason.SUSPENDED, f"spec.suspend is true and nothing is written; without it: {steps}")
