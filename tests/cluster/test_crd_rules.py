"""What the apiserver refuses, and in which words: every rule of the CustomResourceDefinitions, on the real apiserver."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cluster.account_cases import GOVERNANCE_CASES
from cluster.crds import ApiServer, Case, Cause
from devcluster.controlplane import ControlPlane
from devcluster.kubectl import Kubectl
from ses_operator.api.base.meta import API_VERSION
from ses_operator.api.schema.crd import custom_resource_definition
from ses_operator.api.schema.kinds import ACCOUNT, IDENTITY, KINDS, TEMPLATE, Kind

pytestmark = pytest.mark.usefixtures("crds")


@pytest.fixture(scope="module")
def apiserver(control_plane: ControlPlane) -> Iterator[ApiServer]:
    server = ApiServer(control_plane)
    yield server
    server.close()


def identity(spec: Mapping[str, Any], *, name: str = "mail", namespace: str = "default") -> dict[str, Any]:
    """A valid identity but for what ``spec`` sets; None takes a member out."""
    merged = {"domain": "mail.example.com", "regions": ["eu-west-1"], **spec}
    return {
        "apiVersion": API_VERSION,
        "kind": "SesIdentity",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {key: value for key, value in merged.items() if value is not None},
    }


def account(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": "SesAccount", "metadata": {"name": "production"}, "spec": dict(spec)}


def titles(case: Case) -> str:
    return case.title


def own_key(**members: Any) -> dict[str, Any]:
    """DKIM with a key of one's own; ``members`` replace those of byodkim."""
    byodkim = {"selector": "s1", "privateKeySecretRef": {"name": "dkim", "key": "tls.key"}, **members}
    return {"mode": "BYODKIM", "byodkim": byodkim}


OWN_KEY = own_key()
A64 = "a" * 64
SHAPE = "write a domain of letters, digits and hyphens"
OBJECT_NAME = "write the name of an object"
NUMBERED_TAGS = {f"key-{number}": "value" for number in range(49)}

PARTNER = {"name": "partner", "principals": ["arn:aws:iam::111122223333:root"]}
POLICY = {"name": "audit", "document": {"Statement": []}}


def sender(title: str, member: str, value: Any, message: str, at: str = "") -> Case:
    """An authorized sender with something wrong in one member."""
    spec = {"authorizedSenders": [{**PARTNER, member: value}]}
    return Case(title, spec, f"spec.authorizedSenders[0]{at or '.' + member}", message)


SENDING_CASES = (
    Case(
        "a sender without principals",
        {"authorizedSenders": [{"name": "partner"}]},
        "spec.authorizedSenders[0].principals",
        "Required value",
    ),
    sender("a sender whose name has a space", "name", "my partner", "write a name for the sender"),
    Case(
        "two senders of one name",
        {"authorizedSenders": [PARTNER, PARTNER]},
        "spec.authorizedSenders[1]",
        "Duplicate value",
    ),
    sender("a sender who is nobody", "principals", [], "name at least one principal"),
    sender("everybody as sender", "principals", ["*"], "name an AWS account, such as", ".principals[0]"),
    sender("every account as sender", "principals", ["arn:aws:iam::*:root"], "name an AWS account", ".principals[0]"),
    sender("a group as sender", "principals", ["arn:aws:iam::111122223333:group/g"], "name an AWS", ".principals[0]"),
    sender("an action that is not sending", "actions", ["ses:DeleteEmailIdentity"], "Unsupported", ".actions[0]"),
    sender("no address at all to send from", "fromAddresses", [], "name at least one entry, or leave the list out"),
    sender("a domain to send from", "fromAddresses", ["example.com"], "write an address in which", ".fromAddresses[0]"),
    sender("a source that is no IP address", "sourceIPs", ["example.com"], "write an IP address", ".sourceIPs[0]"),
    sender(
        "a source account of 11 digits", "sourceAccounts", ["1" * 11], "write the id of an AWS", ".sourceAccounts[0]"
    ),
    Case(
        "a sender whose time ends before it begins",
        {"authorizedSenders": [{**PARTNER, "notBefore": "2026-02-01T00:00:00Z", "notAfter": "2026-01-01T00:00:00Z"}]},
        "spec.authorizedSenders[0]",
        "write a notAfter that is later than notBefore",
    ),
    Case("a policy without document", {"policies": [{"name": "a"}]}, "spec.policies[0].document", "Required value"),
    Case(
        "a policy whose name has a dot",
        {"policies": [{**POLICY, "name": "a.b"}]},
        "spec.policies[0].name",
        "write the name of a policy: 1 to 64",
    ),
    Case(
        "a policy of the name that authorizedSenders use",
        {"policies": [{**POLICY, "name": "ses-operator-authorized-senders"}]},
        "spec.policies[0].name",
        "choose another name: ses-operator-authorized-senders",
    ),
    Case(
        "21 policies with that of authorizedSenders",
        {"authorizedSenders": [PARTNER], "policies": [{**POLICY, "name": f"p{n}"} for n in range(20)]},
        "spec",
        "remove one of the policies: SES keeps 20",
    ),
)


def address(title: str, email: str, message: str) -> Case:
    """An address that is none."""
    return Case(title, {"domain": None, "email": email}, "spec.email", message)


IDENTITY_CASES = (
    Case(
        "neither domain nor address",
        {"domain": None},
        "spec",
        "set either spec.domain (any address at that domain) or spec.email",
    ),
    Case(
        "domain and address",
        {"email": "me@example.com"},
        "spec",
        "set either spec.domain (any address at that domain) or spec.email",
    ),
    *(
        Case(f"an address with {member}", {"domain": None, "email": "me@example.com", member: value}, "spec", message)
        for member, value, message in (
            ("dkim", {}, "leave out dkim: an address has no DKIM key"),
            ("mailFrom", {"subdomain": "bounce"}, "leave out mailFrom: set it on a SesIdentity"),
            ("dmarc", {"policy": "none"}, "leave out dmarc: a DMARC policy is a domain's"),
            ("dns", {"ttl": 60}, "leave out dns: an address is verified by a link"),
        )
    ),
    Case(
        "a template for a domain",
        {"verificationTemplateRef": {"name": "welcome"}},
        "spec",
        "leave out verificationTemplateRef: a domain is verified",
    ),
    address("a domain as address", "example.com", "write an email address"),
    address("an address with a display name", "Me <me@example.com>", "write the address alone"),
    address("an address with a wildcard", "*@example.com", "write the address alone"),
    address("two addresses", "me@example.com,you@example.com", "write the address alone"),
    address("an address in a single label", "me@localhost", "write the address alone"),
    address("65 characters before the @", f"{'a' * 65}@example.com", "shorten the part before the @"),
    address("255 characters", f"me@{'a.' * 125}ab", "write an address of at most 254 characters"),
    Case("a domain in upper case", {"domain": "Example.com"}, "spec.domain", "write the domain in lower case"),
    Case("a domain with www", {"domain": "www.example.com"}, "spec.domain", "leave out 'www.'"),
    Case("a domain with a dot at its end", {"domain": "example.com."}, "spec.domain", "leave out the dot at the end"),
    Case(
        "an address as domain", {"domain": "me@example.com"}, "spec.domain", "write a domain, such as example.com, and"
    ),
    Case("an IP address as domain", {"domain": "192.0.2.1"}, "spec.domain", "write a domain, and not an IP address"),
    Case(
        "a domain with an umlaut", {"domain": "münchen.example"}, "spec.domain", "write an internationalised domain in"
    ),
    Case("a single label", {"domain": "example"}, "spec.domain", "write the whole domain"),
    Case("a label of 64 characters", {"domain": f"{A64}.com"}, "spec.domain", "shorten the domain: each part"),
    Case("210 characters", {"domain": f"{'a.' * 103}abcd"}, "spec.domain", "shorten the domain to 209 characters"),
    Case("a space in the domain", {"domain": "exa mple.com"}, "spec.domain", SHAPE),
    Case("an underscore in the domain", {"domain": "_dmarc.example.com"}, "spec.domain", SHAPE),
    Case("an empty label", {"domain": "mail..example.com"}, "spec.domain", SHAPE),
    Case("a label that begins with a hyphen", {"domain": "-mail.example.com"}, "spec.domain", SHAPE),
    Case("a URL as domain", {"domain": "https://example.com"}, "spec.domain", SHAPE),
    Case("no list of regions", {"regions": None}, "spec.regions", "Required value"),
    Case("an empty list of regions", {"regions": []}, "spec.regions", "name at least one AWS region"),
    Case("a region twice", {"regions": ["eu-west-1", "eu-west-1"]}, "spec.regions", "write each region once"),
    Case("a region that is none", {"regions": ["Ireland"]}, "spec.regions[0]", "write the code of an AWS region"),
    Case("an availability zone", {"regions": ["eu-west-1a"]}, "spec.regions[0]", "write the code of an AWS region"),
    Case(
        "33 regions",
        {"regions": [f"eu-west-{n}" for n in range(33)]},
        "spec.regions",
        "Too many: 33: must have at most",
    ),
    Case("an account name in upper case", {"accountRef": {"name": "Prod"}}, "spec.accountRef.name", OBJECT_NAME),
    Case("an unknown DKIM mode", {"dkim": {"mode": "Hard"}}, "spec.dkim.mode", 'Unsupported value: "Hard"'),
    Case(
        "Deterministic without a parent region",
        {"dkim": {"mode": "Deterministic"}},
        "spec.dkim",
        "set dkim.mode to Deterministic and name the region",
    ),
    Case(
        "a parent region in another mode",
        {"dkim": {"mode": "Easy", "deterministic": {"parentRegion": "eu-west-1"}}},
        "spec.dkim",
        "set dkim.mode to Deterministic and name the region",
    ),
    Case(
        "a parent region that is none of the regions",
        {"dkim": {"mode": "Deterministic", "deterministic": {"parentRegion": "us-east-1"}}},
        "spec",
        "make dkim.deterministic.parentRegion one of spec.regions",
    ),
    Case(
        "a parent in a region that SES does not replicate from",
        {
            "regions": ["eu-west-1", "eu-south-2"],
            "dkim": {"mode": "Deterministic", "deterministic": {"parentRegion": "eu-south-2"}},
        },
        "spec.dkim.deterministic",
        "choose another of spec.regions for dkim.deterministic.parentRegion: SES does not replicate the key",
    ),
    Case(
        "a key of yours that is not named",
        {"dkim": {"mode": "BYODKIM"}},
        "spec.dkim",
        "write dkim.byodkim with selector",
    ),
    Case(
        "a key of yours in another mode", {"dkim": OWN_KEY | {"mode": "Easy"}}, "spec.dkim", "write dkim.byodkim with"
    ),
    Case("the length of a key of yours", {"dkim": OWN_KEY | {"keySize": 2048}}, "spec.dkim", "leave out dkim.keySize"),
    Case(
        "a selector with a dot",
        {"dkim": own_key(selector="s1.mail")},
        "spec.dkim.byodkim.selector",
        "write a selector of 1 to 63 lower-case letters",
    ),
    Case(
        "a member of a Secret that cannot be one",
        {"dkim": own_key(privateKeySecretRef={"name": "dkim", "key": "tls/key"})},
        "spec.dkim.byodkim.privateKeySecretRef.key",
        "write the name of a member of the Secret's data",
    ),
    Case(
        "a Secret in another namespace",
        {"dkim": own_key(privateKeySecretRef={"name": "other/dkim"})},
        "spec.dkim.byodkim.privateKeySecretRef.name",
        OBJECT_NAME,
    ),
    Case("a key of 4096 bits", {"dkim": {"keySize": 4096}}, "spec.dkim.keySize", "Unsupported value: 4096"),
    Case("a MAIL FROM without subdomain", {"mailFrom": {}}, "spec.mailFrom.subdomain", "Required value"),
    Case(
        "a MAIL FROM in upper case",
        {"mailFrom": {"subdomain": "Bounce"}},
        "spec.mailFrom.subdomain",
        "write a name relative to the domain",
    ),
    Case(
        "a MAIL FROM that repeats the domain",
        {"mailFrom": {"subdomain": "bounce.mail.example.com"}},
        "spec",
        "write mailFrom.subdomain relative to the domain",
    ),
    Case(
        "a MAIL FROM too long for a label with the region",
        {"mailFrom": {"subdomain": "b" * 43}},
        "spec.mailFrom",
        "shorten mailFrom.subdomain to 42",
    ),
    Case(
        "an unknown scope of MAIL FROM",
        {"mailFrom": {"subdomain": "bounce", "scope": "Cluster"}},
        "spec.mailFrom.scope",
        'Unsupported value: "Cluster"',
    ),
    Case(
        "a shared MAIL FROM too long for a name with the domain",
        {"domain": f"{'a.' * 98}example", "mailFrom": {"subdomain": "b" * 25 + ".c" * 13, "scope": "Shared"}},
        "spec",
        "shorten mailFrom.subdomain: <subdomain>.<domain>",
    ),
    Case(
        "a MAIL FROM too long for a name with region and domain",
        {"domain": f"{'a.' * 100}example", "mailFrom": {"subdomain": "b" * 42}},
        "spec",
        "shorten mailFrom.subdomain: <subdomain>-<region>.<domain>",
    ),
    Case(
        "an unknown behaviour on MX failure",
        {"mailFrom": {"subdomain": "bounce", "behaviorOnMXFailure": "Drop"}},
        "spec.mailFrom.behaviorOnMXFailure",
        'Unsupported value: "Drop"',
    ),
    Case(
        "a configuration set with a space",
        {"configurationSetName": "my set"},
        "spec.configurationSetName",
        "write the name of a configuration set",
    ),
    Case("feedback without a word", {"feedback": {}}, "spec.feedback.emailForwardingEnabled", "Required value"),
    Case(
        "an override for a region that is not wanted",
        {"regionOverrides": [{"region": "us-east-1"}]},
        "spec",
        "add the region to spec.regions, or take it out of regionOverrides",
    ),
    Case(
        "two overrides for one region",
        {"regionOverrides": [{"region": "eu-west-1"}, {"region": "eu-west-1"}]},
        "spec.regionOverrides[1]",
        "Duplicate value",
    ),
    Case(
        "a configuration set with a space for one region",
        {"regionOverrides": [{"region": "eu-west-1", "configurationSetName": "my set"}]},
        "spec.regionOverrides[0].configurationSetName",
        "write the name of a configuration set",
    ),
    Case(
        "a topic by its name",
        {"regionOverrides": [{"region": "eu-west-1", "feedback": {"topics": {"bounce": {"topicARN": "bounces"}}}}]},
        "spec.regionOverrides[0].feedback.topics.bounce.topicARN",
        "write the ARN of a standard SNS topic",
    ),
    Case(
        "a topic of another region",
        {
            "regionOverrides": [
                {
                    "region": "eu-west-1",
                    "feedback": {"topics": {"delivery": {"topicARN": "arn:aws:sns:us-east-1:123456789012:mail"}}},
                }
            ]
        },
        "spec.regionOverrides[0]",
        "name topics of the override's own region",
    ),
    Case(
        "feedback of a region without topics",
        {"regionOverrides": [{"region": "eu-west-1", "feedback": {}}]},
        "spec.regionOverrides[0].feedback.topics",
        "Required value",
    ),
    Case("a DMARC policy without policy", {"dmarc": {}}, "spec.dmarc.policy", "Required value"),
    Case("an unknown DMARC policy", {"dmarc": {"policy": "block"}}, "spec.dmarc.policy", 'Unsupported value: "block"'),
    Case(
        "an unknown DMARC policy for subdomains",
        {"dmarc": {"policy": "none", "subdomainPolicy": "Reject"}},
        "spec.dmarc.subdomainPolicy",
        'Unsupported value: "Reject"',
    ),
    Case(
        "a DMARC policy for 101 percent",
        {"dmarc": {"policy": "reject", "percentage": 101}},
        "spec.dmarc.percentage",
        "Invalid value: 101",
    ),
    Case(
        "an unknown alignment",
        {"dmarc": {"policy": "none", "alignment": {"dkim": "s"}}},
        "spec.dmarc.alignment.dkim",
        'Unsupported value: "s"',
    ),
    Case(
        "a report address that is no URI",
        {"dmarc": {"policy": "none", "rua": ["dmarc@example.com"]}},
        "spec.dmarc.rua[0]",
        "write a report address as a URI, such as mailto:dmarc@example.com",
    ),
    Case(
        "two report addresses in one",
        {"dmarc": {"policy": "none", "ruf": ["mailto:a@example.com,mailto:b@example.com"]}},
        "spec.dmarc.ruf[0]",
        "write a report address as a URI",
    ),
    Case(
        "a report address twice",
        {"dmarc": {"policy": "none", "rua": ["mailto:a@example.com", "mailto:a@example.com"]}},
        "spec.dmarc.rua",
        "write each report address once",
    ),
    Case(
        "six report addresses",
        {"dmarc": {"policy": "none", "rua": [f"mailto:d{n}@example.com" for n in range(6)]}},
        "spec.dmarc.rua",
        "Too many: 6: must have at most",
    ),
    Case(
        "an aggregate report address whose authorisation has no place",
        {"domain": f"{'a.' * 101}example", "dmarc": {"policy": "none", "rua": [f"mailto:d@{'b.' * 10}example.net"]}},
        "spec",
        "choose addresses with shorter domains for dmarc.rua",
    ),
    Case(
        "a failure report address whose authorisation has no place",
        {"domain": f"{'a.' * 101}example", "dmarc": {"policy": "none", "ruf": [f"mailto:d@{'b.' * 10}example.net"]}},
        "spec",
        "choose addresses with shorter domains for dmarc.ruf",
    ),
    Case("49 tags", {"tags": NUMBERED_TAGS}, "spec.tags", "write at most 48 tags"),
    Case(
        "a tag key of AWS", {"tags": {"aws:x": "y"}}, "spec.tags", "choose other tag keys: those that begin with 'aws:'"
    ),
    Case(
        "a tag key of ours",
        {"tags": {"ses-operator.io/owner": "me"}},
        "spec.tags",
        "choose other tag keys: those that begin with 'ses-operator.io/'",
    ),
    Case("a tag key of 129 characters", {"tags": {"k" * 129: "v"}}, "spec.tags", "give each tag a key of 1 to 128"),
    Case("an empty tag key", {"tags": {"": "v"}}, "spec.tags", "give each tag a key of 1 to 128"),
    Case(
        "a tag value of 257 characters",
        {"tags": {"k": "v" * 257}},
        "spec.tags",
        "keep the value of each tag within 256",
    ),
    Case(
        "a tag key with a comma",
        {"tags": {"a,b": "v"}},
        "spec.tags",
        "use only letters, digits, spaces and _ . : / = + -",
    ),
    Case(
        "a tag value with a comma",
        {"tags": {"k": "a,b"}},
        "spec.tags",
        "use only letters, digits, spaces and _ . : / = + -",
    ),
    Case("a tag value that is a number", {"tags": {"k": 42}}, "spec.tags.k", "Invalid value"),
    Case(
        "an unknown provider",
        {"dns": {"provider": "Cloudflare"}},
        "spec.dns.provider",
        'Unsupported value: "Cloudflare"',
    ),
    Case(
        "settings of Route53 with DNSEndpoint",
        {"dns": {"provider": "DNSEndpoint", "route53": {}}},
        "spec.dns",
        "remove dns.route53, or set dns.provider to Route53",
    ),
    Case(
        "properties for ExternalDNS with Route53",
        {"dns": {"provider": "Route53", "providerSpecific": [{"name": "a", "value": "b"}]}},
        "spec.dns",
        "remove dns.providerSpecific, or set dns.provider to DNSEndpoint",
    ),
    Case(
        "properties for ExternalDNS with settings of Route53",
        {"dns": {"route53": {}, "providerSpecific": [{"name": "a", "value": "b"}]}},
        "spec.dns",
        "remove dns.providerSpecific, or set dns.provider to DNSEndpoint",
    ),
    Case(
        "a property with a blank in its name",
        {"dns": {"provider": "DNSEndpoint", "providerSpecific": [{"name": "a b", "value": "c"}]}},
        "spec.dns.providerSpecific[0].name",
        "write the name as ExternalDNS has it",
    ),
    Case(
        "settings of DNSEndpoint with Route53",
        {"dns": {"provider": "Route53", "dnsEndpoint": {}}},
        "spec.dns",
        "remove dns.dnsEndpoint, or set dns.provider to DNSEndpoint",
    ),
    Case(
        "settings of DNSEndpoint with Manual",
        {"dns": {"provider": "Manual", "dnsEndpoint": {}}},
        "spec.dns",
        "remove dns.dnsEndpoint, or set dns.provider to DNSEndpoint",
    ),
    Case(
        "settings of two providers, none named",
        {"dns": {"route53": {}, "dnsEndpoint": {}}},
        "spec.dns",
        "keep one of dns.route53 and dns.dnsEndpoint",
    ),
    Case("a ttl of zero", {"dns": {"ttl": 0}}, "spec.dns.ttl", "Invalid value: 0"),
    Case("a ttl of two days", {"dns": {"ttl": 172800}}, "spec.dns.ttl", "Invalid value: 172800"),
    Case(
        "a reference to a zone without name",
        {"dns": {"route53": {"zoneRef": {}}}},
        "spec.dns.route53.zoneRef.name",
        "Required value",
    ),
    Case(
        "a label of ours on the DNSEndpoint",
        {"dns": {"dnsEndpoint": {"labels": {"ses-operator.io/identity": "x"}}}},
        "spec.dns.dnsEndpoint.labels",
        "choose other keys: those that begin with 'ses-operator.io/'",
    ),
    Case(
        "a label value with a space",
        {"dns": {"dnsEndpoint": {"labels": {"a": "b c"}}}},
        "spec.dns.dnsEndpoint.labels",
        "write label values of letters, digits and '-', '_', '.'",
    ),
    Case(
        "a label key that Kubernetes does not take",
        {"dns": {"dnsEndpoint": {"labels": {"a b": "c"}}}},
        "spec.dns.dnsEndpoint.labels",
        "write keys as Kubernetes has them",
    ),
    Case(
        "an annotation key that is too long",
        {"dns": {"dnsEndpoint": {"annotations": {"a" * 318: "c"}}}},
        "spec.dns.dnsEndpoint.annotations",
        "write keys as Kubernetes has them",
    ),
    *SENDING_CASES,
    Case(
        "an unknown deletion policy", {"deletionPolicy": "Orphan"}, "spec.deletionPolicy", 'Unsupported value: "Orphan"'
    ),
    Case(
        "an unknown adoption policy", {"adoptionPolicy": "Always"}, "spec.adoptionPolicy", 'Unsupported value: "Always"'
    ),
    Case("a suspend that is text", {"suspend": "yes"}, "spec.suspend", "Invalid value"),
)

ZONE = {"name": "corp", "hostedZoneID": "Z0123456789ABCDEFGHIJ"}
ROLE_ARN = "write the ARN of an IAM role"
EXTERNAL_ID = "an external id has 2 to 1224"

ACCOUNT_CASES = (
    *GOVERNANCE_CASES,
    Case(
        "a property of entries with a blank in its name",
        {"dns": {"providerSpecific": [{"name": "a b", "value": "c"}]}},
        "spec.dns.providerSpecific[0].name",
        "write the name as ExternalDNS has it",
    ),
    Case(
        "a Secret in another namespace",
        {"credentials": {"secretRef": {"name": "other/keys"}}},
        "spec.credentials.secretRef.name",
        OBJECT_NAME,
    ),
    Case(
        "a role by its name",
        {"credentials": {"assumeRole": {"roleARN": "ses-operator"}}},
        "spec.credentials.assumeRole.roleARN",
        ROLE_ARN,
    ),
    Case(
        "a user in place of a role",
        {"credentials": {"assumeRole": {"roleARN": "arn:aws:iam::123456789012:user/me"}}},
        "spec.credentials.assumeRole.roleARN",
        ROLE_ARN,
    ),
    Case(
        "an external id of one character",
        {"credentials": {"assumeRole": {"roleARN": "arn:aws:iam::123456789012:role/r", "externalID": "x"}}},
        "spec.credentials.assumeRole.externalID",
        EXTERNAL_ID,
    ),
    Case(
        "a session name with a space",
        {"credentials": {"assumeRole": {"roleARN": "arn:aws:iam::123456789012:role/r", "sessionName": "my session"}}},
        "spec.credentials.assumeRole.sessionName",
        "write a session name of 2 to 64",
    ),
    Case(
        "an endpoint without scheme",
        {"endpoints": {"sesv2": "ses:4566"}},
        "spec.endpoints.sesv2",
        "write the endpoint as a",
    ),
    Case(
        "an endpoint by FTP", {"endpoints": {"sts": "ftp://sts"}}, "spec.endpoints.sts", "write the endpoint as a URL"
    ),
    Case(
        "an installation of no such name", {"installationID": "Prod EU"}, "spec.installationID", "such as production-eu"
    ),
    Case("no requests at all", {"requestsPerSecond": 0}, "spec.requestsPerSecond", "write a rate above 0"),
    Case("a brake of less than none", {"maxDeletionsPerHour": -1}, "spec.maxDeletionsPerHour", "Invalid value: -1"),
    Case("49 default tags", {"defaultTags": NUMBERED_TAGS}, "spec.defaultTags", "write at most 48 tags"),
    Case(
        "a default tag of AWS",
        {"defaultTags": {"aws:x": "y"}},
        "spec.defaultTags",
        "choose other tag keys: those that begin",
    ),
    Case(
        "a default tag of ours",
        {"defaultTags": {"ses-operator.io/x": "y"}},
        "spec.defaultTags",
        "choose other tag keys: those that begin with 'ses-operator.io/'",
    ),
    Case("an empty default tag key", {"defaultTags": {"": "y"}}, "spec.defaultTags", "give each tag a key of 1 to 128"),
    Case(
        "a long default tag value",
        {"defaultTags": {"k": "v" * 257}},
        "spec.defaultTags",
        "keep the value of each tag within",
    ),
    Case(
        "a default tag key with a comma", {"defaultTags": {"a,b": "v"}}, "spec.defaultTags", "use only letters, digits"
    ),
    Case(
        "a default tag value with a comma",
        {"defaultTags": {"k": "a,b"}},
        "spec.defaultTags",
        "use only letters, digits",
    ),
    Case(
        "a hosted zone by its path",
        {"dns": {"zones": [{**ZONE, "hostedZoneID": "/hostedzone/Z0123456789ABCDEFGHIJ"}]}},
        "spec.dns.zones[0].hostedZoneID",
        "write the bare id of the hosted zone",
    ),
    Case(
        "a zone without id", {"dns": {"zones": [{"name": "corp"}]}}, "spec.dns.zones[0].hostedZoneID", "Required value"
    ),
    Case("two zones of one name", {"dns": {"zones": [ZONE, ZONE]}}, "spec.dns.zones[1]", "Duplicate value"),
    Case(
        "a zone's external id without role",
        {"dns": {"zones": [{**ZONE, "externalID": "dns"}]}},
        "spec.dns.zones[0]",
        "add roleARN, or remove externalID",
    ),
    Case(
        "a name server as URL",
        {"dns": {"nameservers": ["dns://10.0.0.2"]}},
        "spec.dns.nameservers[0]",
        "write a name server as host or host:port",
    ),
    Case(
        "an unknown default provider",
        {"dns": {"defaultProvider": "BIND"}},
        "spec.dns.defaultProvider",
        "Unsupported value",
    ),
    Case("an unknown quoting", {"dns": {"txtQuoting": "Single"}}, "spec.dns.txtQuoting", 'Unsupported value: "Single"'),
)


def assert_refused_with(causes: list[Cause], case: Case) -> None:
    """Exactly one complaint, at the field, in the words: people must not have to look for it among others."""
    told = [cause for cause in causes if "some validation rules were not checked" not in cause.message]
    assert [cause.field for cause in told] == [case.field], causes
    assert case.message in told[0].message


@pytest.mark.parametrize("case", IDENTITY_CASES, ids=titles)
def test_an_identity_is_refused_for(case: Case, apiserver: ApiServer) -> None:
    assert_refused_with(apiserver.refusals_of_new(IDENTITY, identity(case.spec)), case)


@pytest.mark.parametrize("case", ACCOUNT_CASES, ids=titles)
def test_an_account_is_refused_for(case: Case, apiserver: ApiServer) -> None:
    assert_refused_with(apiserver.refusals_of_new(ACCOUNT, account(case.spec)), case)


def test_a_name_too_long_for_a_label_is_refused(apiserver: ApiServer) -> None:
    causes = apiserver.refusals_of_new(IDENTITY, identity({}, name="m" * 64))
    assert [cause.field for cause in causes] == ["<nil>"]
    assert "choose a metadata.name of at most 63 characters" in causes[0].message


def test_a_field_that_does_not_exist_is_named(apiserver: ApiServer) -> None:
    (cause,) = apiserver.refusals_of_new(IDENTITY, identity({"region": "eu-west-1"}))
    assert 'unknown field "spec.region"' in cause.message


@pytest.mark.parametrize(
    ("domain", "suggestion"),
    [
        pytest.param("Mail.Example.COM", "'mail.example.com'", id="in lower case"),
        pytest.param("www.example.com", "'example.com'", id="without www"),
        pytest.param("example.com.", "'example.com'", id="without the dot at the end"),
    ],
)
def test_the_message_says_what_to_write_instead(domain: str, suggestion: str, apiserver: ApiServer) -> None:
    (cause,) = apiserver.refusals_of_new(IDENTITY, identity({"domain": domain}))
    assert suggestion in cause.message.partition(": ")[2].removeprefix(f'"{domain}"')


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"domain": f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 17}"}, id="a domain of 209 characters"),
        pytest.param({"domain": "xn--mnchen-3ya.example"}, id="an internationalised domain in ASCII form"),
        pytest.param({"domain": "4chan.example"}, id="a domain that begins with a digit"),
        pytest.param(
            {"regions": ["us-gov-west-1", "cn-northwest-1", "eusc-de-east-1"]}, id="regions of other partitions"
        ),
        pytest.param({"regions": [f"eu-west-{n}" for n in range(32)]}, id="32 regions"),
        pytest.param({"tags": {f"key-{n}": "v" for n in range(48)}}, id="48 tags"),
        pytest.param({"tags": {"k" * 128: "v" * 256}}, id="the longest tag"),
        pytest.param(
            {"tags": {"équipe": "paiements été", "empty": ""}}, id="tags in other scripts, and an empty value"
        ),
        pytest.param(
            {"dkim": {"mode": "Deterministic", "deterministic": {"parentRegion": "eu-west-1"}, "keySize": 1024}},
            id="Deterministic Easy DKIM",
        ),
        pytest.param({"dkim": OWN_KEY}, id="DKIM with a key of one's own"),
        pytest.param({"dkim": own_key(selector="s" * 63, generate=True)}, id="DKIM with a key that is made"),
        pytest.param({"mailFrom": {"subdomain": "b" * 42}}, id="the longest MAIL FROM"),
        pytest.param({"mailFrom": {"subdomain": "b" * 63, "scope": "Shared"}}, id="the longest shared MAIL FROM"),
        pytest.param(
            {
                "dmarc": {
                    "policy": "quarantine",
                    "subdomainPolicy": "reject",
                    "percentage": 0,
                    "alignment": {"dkim": "Strict", "spf": "Relaxed"},
                    "rua": ["mailto:d%21+x@reports.example.net!10m", "mailto:dmarc@Example.com"],
                    "ruf": ["mailto:dmarc@example.com"],
                }
            },
            id="a DMARC policy with all that it may have",
        ),
        pytest.param(
            {
                "feedback": {"emailForwardingEnabled": False},
                "regionOverrides": [
                    {
                        "region": "eu-west-1",
                        "configurationSetName": "europe",
                        "feedback": {
                            "topics": {
                                "bounce": {"topicARN": "arn:aws:sns:eu-west-1:123456789012:mail"},
                                "complaint": {
                                    "topicARN": "arn:aws:sns:eu-west-1:123456789012:mail",
                                    "includeHeaders": True,
                                },
                            }
                        },
                    }
                ],
            },
            id="feedback, and what is different in a region",
        ),
        pytest.param({"mailFrom": {"subdomain": "bounce.eu"}}, id="a MAIL FROM of two labels"),
        pytest.param(
            {
                "domain": None,
                "email": "O'Brien+billing@Mail.Example.COM",
                "verificationTemplateRef": {"name": "welcome"},
                "configurationSetName": "set",
                "feedback": {"emailForwardingEnabled": False},
                "authorizedSenders": [PARTNER],
            },
            id="an address with all that it may have",
        ),
        pytest.param(
            {
                "authorizedSenders": [
                    {
                        "name": "partner",
                        "principals": [
                            "111122223333",
                            "arn:aws:iam::111122223333:root",
                            "arn:aws-cn:iam::111122223333:user/path/ada",
                            "arn:aws:iam::111122223333:role/mailer",
                            "email.cognito-idp.amazonaws.com",
                        ],
                        "actions": ["ses:SendEmail", "ses:SendBulkEmail"],
                        "fromAddresses": ["*@mail.example.com"],
                        "fromDisplayNames": ["Ada of *"],
                        "recipients": ["*@example.net"],
                        "feedbackAddresses": ["bounces@mail.example.com"],
                        "sourceIPs": ["192.0.2.0/24", "2001:db8::/32", "::1"],
                        "sourceAccounts": ["111122223333"],
                        "notBefore": "2026-01-31T00:00:00Z",
                        "notAfter": "2026-12-31T00:00:00+01:00",
                    }
                ],
                "policies": [POLICY, {"name": "as-text", "document": "{}"}],
            },
            id="a sender with all that it may have, and policies as object and as text",
        ),
        pytest.param({"policies": [{**POLICY, "name": f"p{n}"} for n in range(20)]}, id="20 policies"),
        pytest.param({"dns": {"route53": {"zoneRef": {"name": "corp"}}}}, id="settings of Route53, provider omitted"),
        pytest.param({"dns": {"dnsEndpoint": {"labels": {"example.com/a": "b"}}}}, id="a label with a prefix"),
        pytest.param({"dkim": {}, "dns": {}, "accountRef": {}}, id="empty objects"),
    ],
)
def test_an_identity_is_accepted_with(spec: dict[str, Any], apiserver: ApiServer) -> None:
    assert apiserver.refusals_of_new(IDENTITY, identity(spec)) == []


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"requestsPerSecond": 14.5}, id="a broken request rate"),
        pytest.param({"maxDeletionsPerHour": 0}, id="a brake that lets nothing go"),
        pytest.param(
            {"notifications": {"from": "ses@example.com", "to": ["team@example.com"], "region": "eu-west-1"}},
            id="notifications with nothing but from whom, to whom and where",
        ),
        pytest.param({"endpoints": {"sesv2": "http://127.0.0.1:4566"}}, id="an endpoint with a port"),
        pytest.param(
            {"dns": {"nameservers": ["10.0.0.2", "ns.example.com:53", "[2001:db8::53]:53"]}}, id="name servers"
        ),
        pytest.param(
            {"credentials": {"assumeRole": {"roleARN": "arn:aws-us-gov:iam::123456789012:role/path/r"}}},
            id="a role of another partition",
        ),
    ],
)
def test_an_account_is_accepted_with(spec: dict[str, Any], apiserver: ApiServer) -> None:
    assert apiserver.refusals_of_new(ACCOUNT, account(spec)) == []


IMMUTABLE = (
    Case(
        "an address in place of the domain",
        {"domain": None, "email": "me@example.com"},
        "spec",
        "domain cannot be changed: create another",
    ),
    Case("another domain", {"domain": "other.example.com"}, "spec", "domain cannot be changed: create another"),
    Case("another account", {"accountRef": {"name": "b"}}, "spec", "accountRef cannot be changed: create another"),
    Case("no account, which is the default one", {"accountRef": None}, "spec", "accountRef cannot be changed: create"),
)


IMMUTABLE_ADDRESS = (
    Case("another address", {"email": "Me@example.com"}, "spec", "email cannot be changed: create another"),
    Case(
        "a domain in place of the address",
        {"domain": "example.com", "email": None},
        "spec",
        "domain cannot be changed: create another",
    ),
)


@pytest.mark.parametrize("case", IMMUTABLE_ADDRESS, ids=titles)
def test_a_stored_address_is_not_changed_to(case: Case, apiserver: ApiServer, kubectl: Kubectl, namespace: str) -> None:
    stored = identity({"domain": None, "email": "me@example.com"}, namespace=namespace)
    kubectl.apply(stored)
    assert_refused_with(apiserver.refusals_of_change(IDENTITY, stored, {"spec": case.spec}), case)


@pytest.mark.parametrize("case", IMMUTABLE, ids=titles)
def test_a_stored_identity_is_not_changed_to(
    case: Case, apiserver: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    stored = identity({"accountRef": {"name": "a"}}, namespace=namespace)
    kubectl.apply(stored)
    causes = apiserver.refusals_of_change(IDENTITY, stored, {"spec": case.spec})
    assert_refused_with(causes, case)


def test_everything_else_of_a_stored_identity_can_be_changed(
    apiserver: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    stored = identity({}, namespace=namespace)
    kubectl.apply(stored)
    changes = {
        "regions": ["us-east-1"],
        "dkim": {"keySize": 1024, "signingEnabled": False},
        "mailFrom": {"subdomain": "bounce"},
        "configurationSetName": "set",
        "dmarc": {"policy": "none"},
        "feedback": {"emailForwardingEnabled": False},
        "authorizedSenders": [PARTNER],
        "policies": [POLICY],
        "tags": {"a": "b"},
        "dns": {"provider": "Manual", "ttl": 60},
        "deletionPolicy": "Retain",
        "adoptionPolicy": "IfUnowned",
        "suspend": True,
    }
    for member, value in changes.items():
        assert apiserver.refusals_of_change(IDENTITY, stored, {"spec": {member: value}}) == [], member


def template(spec: Mapping[str, Any], *, namespace: str = "default") -> dict[str, Any]:
    merged = {
        "fromEmailAddress": "hello@example.com",
        "subject": "Please confirm",
        "content": "<p>Welcome</p>",
        "successRedirectURL": "https://www.example.com/yes",
        "failureRedirectURL": "https://www.example.com/no",
        "regions": ["eu-west-1"],
        **spec,
    }
    metadata = {"name": "welcome", "namespace": namespace}
    return {"apiVersion": API_VERSION, "kind": "SesVerificationTemplate", "metadata": metadata, "spec": merged}


def sent_from(title: str, email: str, message: str) -> Case:
    return Case(title, {"fromEmailAddress": email}, "spec.fromEmailAddress", message)


TEMPLATE_CASES = (
    sent_from("a domain as sender", "example.com", "write an email address"),
    sent_from("a sender with a display name", "Me <me@example.com>", "write the address alone"),
    sent_from("65 characters before the @ of the sender", f"{'a' * 65}@example.com", "shorten the part before the @"),
    sent_from("a sender of 255 characters", f"me@{'a.' * 125}ab", "write an address of at most 254 characters"),
    Case("no subject", {"subject": ""}, "spec.subject", "write a subject for the email"),
    Case("no content", {"content": ""}, "spec.content", "write the text of the email"),
    Case("a relative URL", {"successRedirectURL": "/yes"}, "spec.successRedirectURL", "write a whole URL, such as"),
    Case("a URL with a space", {"failureRedirectURL": "https://a b"}, "spec.failureRedirectURL", "write a whole URL"),
    Case("no region", {"regions": []}, "spec.regions", "name at least one AWS region"),
    Case("a region twice", {"regions": ["eu-west-1", "eu-west-1"]}, "spec.regions", "write each region once"),
    Case("a zone as region", {"regions": ["eu-west-1a"]}, "spec.regions[0]", "write the code of an AWS region"),
    Case("an account in upper case", {"accountRef": {"name": "A"}}, "spec.accountRef.name", OBJECT_NAME),
)
TEMPLATE_IMMUTABLE = Case("", {"accountRef": {"name": "b"}}, "spec", "accountRef cannot be changed: create another")


@pytest.mark.parametrize("case", TEMPLATE_CASES, ids=titles)
def test_a_template_is_refused_for(case: Case, apiserver: ApiServer) -> None:
    assert_refused_with(apiserver.refusals_of_new(TEMPLATE, template(case.spec)), case)


def test_the_account_of_a_stored_template_is_not_changed(
    apiserver: ApiServer, kubectl: Kubectl, namespace: str
) -> None:
    stored = template({}, namespace=namespace)
    kubectl.apply(stored)
    causes = apiserver.refusals_of_change(TEMPLATE, stored, {"spec": TEMPLATE_IMMUTABLE.spec})
    assert_refused_with(causes, TEMPLATE_IMMUTABLE)


def rules_in(node: Any) -> Iterator[str]:
    """The messages of all CEL rules in a manifest."""
    if isinstance(node, dict):
        yield from (entry["message"] for entry in node.get("x-kubernetes-validations", ()))
        for child in node.values():
            yield from rules_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from rules_in(child)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_rule_has_a_case_above(kind: Kind) -> None:
    cases = {
        "SesIdentity": (*IDENTITY_CASES, *IMMUTABLE, *IMMUTABLE_ADDRESS),
        "SesAccount": ACCOUNT_CASES,
        "SesVerificationTemplate": (*TEMPLATE_CASES, TEMPLATE_IMMUTABLE),
    }[kind.kind]
    tried = [case.message for case in cases] + ["choose a metadata.name of at most 63 characters"]
    manifest = json.loads(json.dumps(custom_resource_definition(kind)))
    assert [rule for rule in rules_in(manifest) if not any(message in rule for message in tried)] == []
