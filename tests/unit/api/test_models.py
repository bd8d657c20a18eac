"""Reading and writing objects: what the models make of manifests."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from ses_operator.api.account.kind import SesAccount, TxtQuoting
from ses_operator.api.base.fields import MAX_DOMAIN, MAX_REGION, DnsProvider
from ses_operator.api.base.meta import FINALIZER, MAX_INSTALLATION_ID, MAX_NAME, PREFIX
from ses_operator.api.identity.kind import SesIdentity
from ses_operator.api.identity.mail_from import MAX_MAIL_FROM_SUBDOMAIN

MINIMAL: dict[str, Any] = {
    "metadata": {"name": "mail"},
    "spec": {"domain": "mail.example.com", "regions": ["eu-west-1"]},
}


def identity(**spec: Any) -> SesIdentity:
    return SesIdentity.model_validate({**MINIMAL, "spec": {**MINIMAL["spec"], **spec}})


def test_an_identity_with_nothing_but_domain_and_regions_has_the_documented_defaults() -> None:
    spec = SesIdentity.model_validate(MINIMAL).spec
    assert spec.account_ref.name == "default"
    assert (spec.dkim.mode, spec.dkim.signing_enabled, spec.dkim.key_size) == ("Easy", True, 2048)
    assert (spec.dns.provider, spec.dns.ttl) == (None, 300)
    assert (spec.deletion_policy, spec.adoption_policy, spec.suspend) == ("Delete", "Never", False)
    assert spec.mail_from is None
    assert spec.tags == {}


def test_an_account_with_an_empty_spec_has_the_documented_defaults() -> None:
    spec = SesAccount.model_validate({"metadata": {"name": "default"}, "spec": {}}).spec
    assert (spec.credentials.secret_ref, spec.credentials.assume_role) == (None, None)
    assert spec.requests_per_second == 1
    assert spec.dns.txt_quoting is TxtQuoting.QUOTED
    assert spec.dns.zones == ()


def test_every_setting_of_an_account_is_read_under_the_name_it_has_in_yaml() -> None:
    manifest = yaml.safe_load("""
      metadata: {name: production}
      spec:
        credentials:
          secretRef: {name: keys}
          profile: production
          webIdentity: {serviceAccountRef: {name: ses}, roleARN: "arn:aws:iam::123456789012:role/w", audience: a,
                        sessionName: me}
          assumeRole: {roleARN: "arn:aws:iam::123456789012:role/r", externalID: secret, sessionName: me,
                       via: [{roleARN: "arn:aws:iam::123456789012:role/v", externalID: hub, sessionName: you}]}
          instanceMetadata: Disabled
        endpoints: {sesv2: "http://a", ses: "http://b", route53: "http://c", sts: "http://d"}
        requestsPerSecond: 20
        defaultTags: {team: a}
        dns:
          defaultProvider: Manual
          zones: [{name: corp, hostedZoneID: Z1, roleARN: "arn:aws:iam::210987654321:role/d", externalID: dns,
                   namespaces: {matchNames: [a], matchLabels: {mail: "yes"}, matchExpressions: []},
                   allowedDomains: ["*.example.com"]}]
          nameservers: ["10.0.0.2:53"]
          providerSpecific: [{name: a, value: b, recordTypes: [CNAME]}]
          txtQuoting: Verbatim
        tenancy:
          namespaces: {matchNames: [], matchLabels: {}, matchExpressions: [{key: k, operator: In, values: [v]}]}
          grants: [{name: a, domains: ["*.example.com"], namespaces:
                    {matchNames: [a], matchLabels: {}, matchExpressions: []}}]
        guardrails:
          domainsOnly: {action: Enforce}
          requiredTags: {action: Warn, keys: [owner]}
          allowedRegions: {action: Warn, regions: [eu-west-1]}
          minimumRegions: {action: Warn, count: 2}
          dkim: {action: Warn, minimumKeySize: 1024}
          mailFrom: {action: Warn}
          dmarc: {action: Warn, minimumPolicy: reject}
          sendingPolicies: {action: Warn, allowedAccounts: ["111122223333"]}
    """)
    spec = SesAccount.model_validate(manifest).spec
    assert spec.to_json() == manifest["spec"]


def test_every_setting_of_an_identity_is_read_under_the_name_it_has_in_yaml() -> None:
    manifest = yaml.safe_load("""
      domain: mail.example.com
      regions: [eu-west-1]
      accountRef: {name: production}
      dkim: {mode: Easy, signingEnabled: false, keySize: 1024}
      mailFrom: {subdomain: bounce, scope: Shared, behaviorOnMXFailure: RejectMessage}
      configurationSetName: default
      dmarc: {policy: none, subdomainPolicy: reject, percentage: 5, alignment: {dkim: Strict, spf: Relaxed},
              rua: ["mailto:a@example.com"], ruf: ["mailto:b@example.com"]}
      feedback: {emailForwardingEnabled: false}
      regionOverrides:
        - region: eu-west-1
          configurationSetName: other
          feedback: {topics: {bounce: {topicARN: "arn:aws:sns:eu-west-1:123456789012:mail", includeHeaders: true}}}
      authorizedSenders:
      - {name: partner, principals: ["111122223333"], actions: ["ses:SendEmail"], fromAddresses: ["a@example.com"],
         fromDisplayNames: [Ada], recipients: ["*@example.net"], feedbackAddresses: ["b@example.com"],
         sourceIPs: [192.0.2.0/24], sourceAccounts: ["111122223333"],
         notBefore: "2026-01-31T00:00:00Z", notAfter: "2026-12-31T00:00:00Z"}
      policies: [{name: text, document: "{}"}, {name: object, document: {Version: "2012-10-17", Statement: []}}]
      tags: {owner: team-a}
      dns: {provider: DNSEndpoint, ttl: 60, dnsEndpoint: {labels: {a: b}, annotations: {c: d}},
            providerSpecific: [{name: a, value: b, recordTypes: [CNAME]}]}
      deletionPolicy: Retain
      adoptionPolicy: IfUnowned
      suspend: true
    """)
    assert identity(**manifest).spec.to_json() == manifest


def test_settings_of_a_newer_version_are_ignored_and_not_an_error() -> None:
    assert identity(somethingNew=True).spec == identity().spec


def test_a_stored_object_with_an_unknown_choice_is_an_error_and_not_a_default() -> None:
    with pytest.raises(ValidationError, match="deletionPolicy"):
        identity(deletionPolicy="Forget")


def test_models_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        identity().spec.suspend = True  # type: ignore[misc]


def test_each_region_has_a_mail_from_name_of_its_own() -> None:
    spec = identity(mailFrom={"subdomain": "bounce"}).spec
    assert spec.mail_from_domain("eu-west-1") == "bounce-eu-west-1.mail.example.com"
    assert spec.mail_from_domain("us-east-1") == "bounce-us-east-1.mail.example.com"
    assert identity().spec.mail_from_domain("eu-west-1") is None


@pytest.mark.parametrize(
    ("dns", "account_default", "effective"),
    [
        pytest.param({}, None, "Route53", id="nobody says anything: Route53"),
        pytest.param({}, "Manual", "Manual", id="the account decides where the identity does not"),
        pytest.param({"provider": "Route53"}, "Manual", "Route53", id="the identity decides where it does"),
        pytest.param({"route53": {}}, "Manual", "Route53", id="settings of Route53 imply Route53"),
        pytest.param(
            {"providerSpecific": [{"name": "a", "value": "b"}]},
            "Manual",
            "DNSEndpoint",
            id="properties of its entries do, too",
        ),
        pytest.param({"dnsEndpoint": {}}, "Manual", "DNSEndpoint", id="settings of DNSEndpoint imply DNSEndpoint"),
    ],
)
def test_the_dns_provider_in_effect(dns: dict[str, Any], account_default: str | None, effective: str) -> None:
    default = DnsProvider(account_default) if account_default else None
    assert identity(dns=dns).spec.dns_provider(default) == effective


def test_metadata_tells_whether_the_object_is_being_deleted_and_held_by_us() -> None:
    metadata = {"name": "mail", "deletionTimestamp": "2030-01-01T00:00:00Z", "finalizers": [FINALIZER]}
    deleted = SesIdentity.model_validate({**MINIMAL, "metadata": metadata}).metadata
    assert (deleted.is_deleting, deleted.has_finalizer) == (True, True)
    fresh = SesIdentity.model_validate(MINIMAL).metadata
    assert (fresh.is_deleting, fresh.has_finalizer) == (False, False)


def test_an_object_without_status_has_been_observed_at_no_generation() -> None:
    assert SesIdentity.model_validate(MINIMAL).status.observed_generation == -1


def test_the_longest_owner_tag_fits_into_a_tag_value_of_ses() -> None:
    longest_namespace = 63
    assert MAX_INSTALLATION_ID + 1 + longest_namespace + 1 + MAX_NAME <= 256


def test_the_names_of_dkim_records_fit_into_dns_with_the_longest_domain() -> None:
    token = "t" * 32
    assert len(f"{token}._domainkey.{'d' * MAX_DOMAIN}") == 253


def test_the_longest_mail_from_label_fits_into_dns() -> None:
    assert MAX_MAIL_FROM_SUBDOMAIN + len("-") + MAX_REGION == 63


def test_keys_of_ours_begin_with_the_group() -> None:
    assert PREFIX == "ses-operator.io/"
