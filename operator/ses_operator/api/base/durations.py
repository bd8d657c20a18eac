"""Spans of time as manifests give them: 24h, 90m, 30s, or several of these together, as in Go and in Kubernetes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from pydantic import Field

from ses_operator.api.base.model import rule, rules

_SHAPE = "^([0-9]{1,7}(h|m|s)){1,3}$"
_UNITS = {"h": 3600, "m": 60, "s": 1}


def duration(least: str, most: str) -> Any:
    """Return the field definition of a string that holds a duration between these two, both included."""
    said = f"write a duration from {least} to {most}, such as 24h or 90m"
    within = f"duration(self) >= duration('{least}') && duration(self) <= duration('{most}')"
    extra = rules(rule(f"self.matches('{_SHAPE}') && {within}", said))
    return Field(max_length=24, json_schema_extra=extra)


def span(text: str) -> timedelta:
    """Return the length of the duration; zero for text of another shape, which the apiserver does not admit."""
    return timedelta(seconds=sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"([0-9]+)([hms])", text)))
