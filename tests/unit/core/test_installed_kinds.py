"""What keeps the operator from beginning: kinds that are not there, or older than itself."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from ses_operator.api.schema.crd import root_schema
from ses_operator.api.schema.kinds import ACCOUNT, IDENTITY, KINDS, TEMPLATE
from ses_operator.api.schema.versions import SPOKEN
from ses_operator.core.kinds.installed import lacking, not_served, outdated

PLURALS = {kind.plural for kind in KINDS}


def published() -> dict[str, Any]:
    """The schemas of this version, as a cluster has them in which nothing is missing."""
    return {kind.kind: deepcopy(root_schema(kind, SPOKEN)) for kind in KINDS}


def status_of(schemas: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = schemas[IDENTITY.kind]["properties"]["status"]["properties"]
    return fields


def test_the_kinds_of_this_version_fit() -> None:
    assert not_served(PLURALS) == ""
    assert outdated(published()) == ""


def test_kinds_that_are_not_there_are_named_with_what_installs_them() -> None:
    said = not_served({IDENTITY.plural})
    assert said.startswith("the CustomResourceDefinitions of SesAccount and SesVerificationTemplate are not installed")
    assert "ses-operator crds | kubectl apply --server-side -f -" in said


def test_only_the_kinds_that_are_watched_have_to_be_there() -> None:
    assert not_served({IDENTITY.plural}, (IDENTITY,)) == ""


def test_a_field_that_status_would_lose_is_named_by_its_path() -> None:
    schemas = published()
    del status_of(schemas)["regions"]["items"]["properties"]["dkim"]["properties"]["keyFingerprint"]
    said = outdated(schemas)
    assert "SesIdentity has no status.regions[].dkim.keyFingerprint." in said
    assert said.endswith("`ses-operator crds | kubectl apply --server-side -f -`; it then goes on by itself")


def test_of_many_fields_the_first_are_named_and_the_others_counted() -> None:
    schemas = published()
    for name in ("regions", "repairs", "pendingChanges", "warnings"):
        del status_of(schemas)[name]
    del schemas[ACCOUNT.kind]["properties"]["spec"]["properties"]["dns"]
    assert (
        "SesIdentity has no status.regions, status.warnings, status.pendingChanges and 1 more; "
        "SesAccount has no spec.dns." in outdated(schemas)
    )


def test_kinds_that_are_newer_than_the_operator_fit_as_after_a_rollback() -> None:
    schemas = published()
    status_of(schemas)["invented"] = {"type": "string"}
    assert outdated(schemas) == ""


def test_words_that_differ_do_not_matter() -> None:
    schemas = published()
    status_of(schemas)["regions"]["description"] = "Shortened by somebody."
    assert outdated(schemas) == ""


def test_what_keeps_unknown_fields_lacks_nothing() -> None:
    wanted = root_schema(TEMPLATE, SPOKEN)
    assert list(lacking(wanted, {"type": "object", "x-kubernetes-preserve-unknown-fields": True})) == []
    assert list(lacking(wanted, {"type": "object"})) == ["apiVersion", "kind", "metadata", "spec", "status"]


def test_a_kind_whose_schema_is_not_published_is_taken_for_whole() -> None:
    assert outdated({}) == ""
