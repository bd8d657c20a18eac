"""The part of a SesAccount about tenants: which namespaces may use an account, and for which domains."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from ses_operator.api.base.fields import LABEL, ObjectName
from ses_operator.api.base.model import Model, list_map, rule, rules

MAX_GRANTS = 128
MAX_PATTERNS = 32
MAX_NAMESPACES = 256
MAX_REQUIREMENTS = 16

WILDCARD = "*."
"""The beginning of a pattern that matches every name below another."""


class LabelOperator(StrEnum):
    """The ways to compare a label, as in the label selectors of Kubernetes."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


LabelKey = Annotated[str, Field(max_length=317)]
LabelValue = Annotated[str, Field(max_length=63)]
NamespaceName = Annotated[str, Field(max_length=63)]

DomainPattern = Annotated[
    str,
    Field(
        max_length=253,
        json_schema_extra=rules(
            rule(
                f"self.matches('^([*][.])?{LABEL}([.]{LABEL})+$')",
                "write a domain in lower case, such as mail.example.com, or *.example.com for every name below it",
            )
        ),
    ),
]

_PATTERNS = rules(rule("size(self) >= 1", "name at least one domain, such as *.team-a.example.com"))


class LabelRequirement(Model):
    """One requirement of a label selector."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "self.operator in ['In', 'NotIn'] == (has(self.values) && size(self.values) > 0)",
                "write values with In and NotIn, and none with Exists and DoesNotExist",
            )
        )
    )

    key: LabelKey = Field(description="Key of the label.")
    operator: LabelOperator = Field(
        description="In or NotIn the values; or Exists or DoesNotExist, whatever the value."
    )
    values: tuple[LabelValue, ...] = Field(
        (), max_length=MAX_REQUIREMENTS, description="The values, for In and NotIn; none for the others."
    )


class NamespaceSelector(Model):
    """Selects namespaces by name, by label, or both: everything that is given must hold. If empty, it selects all."""

    match_names: tuple[NamespaceName, ...] = Field(
        (), max_length=MAX_NAMESPACES, description="Names of namespaces. If omitted, any name."
    )
    match_labels: Mapping[str, LabelValue] = Field(
        default_factory=dict,
        max_length=MAX_REQUIREMENTS,
        description="Labels that the namespace must have, with these values. If omitted, any labels.",
    )
    match_expressions: tuple[LabelRequirement, ...] = Field(
        (),
        max_length=MAX_REQUIREMENTS,
        description="Requirements on the labels of the namespace, all of which must hold. If omitted, none.",
    )


class DomainGrant(Model):
    """Lets some namespaces have identities for some domains."""

    name: ObjectName = Field(description="A name for this grant, for people.")
    domains: tuple[DomainPattern, ...] = Field(
        max_length=MAX_PATTERNS,
        description=(
            "The granted domains, 1 to 32: an exact name, or *.team-a.example.com for every name below "
            "team-a.example.com, at any depth, but not for team-a.example.com itself."
        ),
        json_schema_extra=_PATTERNS,
    )
    namespaces: NamespaceSelector = Field(
        description="The namespaces that the domains are granted to. An empty selector, {}, selects every namespace."
    )


class Tenancy(Model):
    """Which namespaces may use the account, and for which domains."""

    namespaces: NamespaceSelector | None = Field(
        None,
        description="The namespaces whose identities may refer to this account. If omitted, every namespace.",
    )
    grants: tuple[DomainGrant, ...] = Field(
        (),
        max_length=MAX_GRANTS,
        description=(
            "Which namespaces may have identities for which domains. Only the most specific grant that "
            "matches a domain decides: an exact name before a wildcard, a longer wildcard before a "
            "shorter one. A domain that no grant matches is refused. If omitted or empty, every namespace "
            "may use any domain."
        ),
        json_schema_extra=list_map("name"),
    )
