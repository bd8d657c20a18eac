"""The part of a SesIdentity about its DNS records: by which provider, and where, they are published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field

from ses_operator.api.base.fields import MAX_PROVIDER_SPECIFIC, DnsProvider, NamedReference, ProviderSpecific
from ses_operator.api.base.meta import PREFIX
from ses_operator.api.base.model import Model, list_map, rule, rules


class Route53Settings(Model):
    """Settings of the provider Route53."""

    zone_ref: NamedReference | None = Field(
        None,
        description=(
            "Names one of the zones in spec.dns.zones of the SesAccount. A zone below the domain is used for "
            "the records that the domain's own zone delegates to it. If omitted, the zone that has the "
            "identity's ledger, else the public hosted zone whose name is the longest match for the domain."
        ),
    )


_OWN_KEYS_REFUSED = rule(
    f"self.all(k, !k.startsWith('{PREFIX}'))",
    f"choose other keys: those that begin with '{PREFIX}' belong to the operator",
)
_KEY_SHAPE = rule(
    "self.all(k, size(k) <= 317 && "
    "k.matches('^([a-z0-9][a-z0-9.-]{0,252}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$'))",
    "write keys as Kubernetes has them: a name of at most 63 letters, digits, '-', '_' and '.', with or without a DNS name "
    "and '/' before it",
)


class DnsEndpointSettings(Model):
    """Settings of the provider DNSEndpoint."""

    labels: Mapping[str, Annotated[str, Field(max_length=63)]] = Field(
        default_factory=dict,
        max_length=32,
        description="Labels for the DNSEndpoint object, such as those that an ExternalDNS instance selects by.",
        json_schema_extra=rules(
            _OWN_KEYS_REFUSED,
            _KEY_SHAPE,
            rule(
                r"self.all(k, self[k].matches('^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$'))",
                "write label values of letters, digits and '-', '_', '.', that begin and end with a letter or digit",
            ),
        ),
    )
    annotations: Mapping[str, Annotated[str, Field(max_length=4096)]] = Field(
        default_factory=dict,
        max_length=32,
        description="Annotations for the DNSEndpoint object. Those of the SesIdentity are not copied.",
        json_schema_extra=rules(_OWN_KEYS_REFUSED, _KEY_SHAPE),
    )


class DnsSpec(Model):
    """How the DNS records are published."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.provider) || self.provider == 'Route53' || !has(self.route53)",
                "remove dns.route53, or set dns.provider to Route53: these are settings of another provider",
            ),
            rule(
                "!has(self.provider) || self.provider == 'DNSEndpoint' || !has(self.dnsEndpoint)",
                "remove dns.dnsEndpoint, or set dns.provider to DNSEndpoint: these are settings of another provider",
            ),
            rule(
                "!has(self.route53) || !has(self.dnsEndpoint)",
                "keep one of dns.route53 and dns.dnsEndpoint: one provider publishes the records",
            ),
            rule(
                "!has(self.providerSpecific) || (!has(self.route53) && "
                "(!has(self.provider) || self.provider == 'DNSEndpoint'))",
                "remove dns.providerSpecific, or set dns.provider to DNSEndpoint: only ExternalDNS has such properties",
            ),
        )
    )

    provider: DnsProvider | None = Field(
        None,
        description=(
            "The provider that publishes the records. Route53: the operator writes them into a Route 53 "
            "hosted zone. DNSEndpoint: the operator makes a DNSEndpoint object, and ExternalDNS publishes "
            "it. Manual: people publish the records that status.dns.records lists. If omitted, the "
            "provider whose settings are given here, else spec.dns.defaultProvider of the SesAccount, "
            "else Route53."
        ),
    )
    ttl: int = Field(
        300,
        ge=1,
        le=86400,
        description="Time to live of the records in seconds, from 1 to 86400. Default: 300.",
    )
    route53: Route53Settings | None = Field(
        None, description="Settings of the provider Route53; refused with another provider."
    )
    dns_endpoint: DnsEndpointSettings | None = Field(
        None, description="Settings of the provider DNSEndpoint; refused with another provider."
    )
    provider_specific: tuple[ProviderSpecific, ...] = Field(
        (),
        max_length=MAX_PROVIDER_SPECIFIC,
        description=(
            "Properties for every entry of the DNSEndpoint, as providerSpecific in ExternalDNS, in addition to "
            "those in spec.dns.providerSpecific of the SesAccount; of the same name these count. Refused with "
            "another provider. Properties that others set on the entries stay."
        ),
        json_schema_extra=list_map("name"),
    )
