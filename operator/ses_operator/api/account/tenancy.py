"""Which namespaces may use an account, for which domains: the part of a SesAccount about tenants."""

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
"""What a pattern begins with that stands for every name below another."""


class LabelOperator(StrEnum):
    """How a label is compared, as in the label selectors of Kubernetes."""

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
    """Selects namespaces by name, by label, or both: everything that is given has to hold. Empty, it selects all."""

    match_names: tuple[NamespaceName, ...] = Field(
        (), max_length=MAX_NAMESPACES, description="Names of namespaces. Omitted: of any name."
    )
    match_labels: Mapping[str, LabelValue] = Field(
        default_factory=dict,
        max_length=MAX_REQUIREMENTS,
        description="Labels that the namespace has, with these values. Omitted: whatever its labels.",
    )
    match_expressions: tuple[LabelRequirement, ...] = Field(
        (),
        max_length=MAX_REQUIREMENTS,
        description="Requirements on the labels of the namespace, all of which have to hold. Omitted: none.",
    )


class DomainGrant(Model):
    """Lets some namespaces have identities for some domains."""

    name: ObjectName = Field(description="A name for this grant, for people.")
    domains: tuple[DomainPattern, ...] = Field(
        max_length=MAX_PATTERNS,
        description=(
            "What is granted, 1 to 32: a domain by its exact name, or *.team-a.example.com for every name below "
            "team-a.example.com, at any depth, but not for team-a.example.com itself."
        ),
        json_schema_extra=_PATTERNS,
    )
    namespaces: NamespaceSelector = Field(description="To whom. An empty selector, {}, means every namespace.")


class Tenancy(Model):
    """Who may use the account, and for what."""

    namespaces: NamespaceSelector | None = Field(
        None,
        description="The namespaces whose identities may refer to this account. Omitted: every namespace.",
    )
    grants: tuple[DomainGrant, ...] = Field(
        (),
        max_length=MAX_GRANTS,
        description=(
            "Which namespaces may have identities for which domains. The grant that names a domain most exactly decides "
            "alone: the exact name before a wildcard, a longer wildcard before a shorter one. A domain that no grant "
            "names is refused. Omitted or empty: every namespace may ask for any domain."
        ),
        json_schema_extra=list_map("name"),
    )
