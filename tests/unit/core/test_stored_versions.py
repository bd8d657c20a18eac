"""In which versions objects lie, and what it takes to move them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from ses_operator.api.schema.crd import custom_resource_definition
from ses_operator.api.schema.kinds import IDENTITY, KINDS
from ses_operator.api.schema.versions import SPOKEN, VERSIONS, Version
from ses_operator.cli.main import main
from ses_operator.core.kinds.stored_versions import StoredVersions

ALPHA, BETA = "v1alpha1", "v1beta1"


def found(*versions: Version, stored: list[str] | None) -> StoredVersions:
    """What is read of a definition with these versions, and this list in its status."""
    definition: dict[str, Any] = custom_resource_definition(IDENTITY, versions)
    definition["metadata"]["resourceVersion"] = "7"
    if stored is not None:
        definition["status"] = {"storedVersions": stored}
    return StoredVersions.of(definition)


@pytest.mark.parametrize(
    ("stored", "settled"),
    [([BETA], True), ([ALPHA, BETA], False), ([ALPHA], False), ([], True), (None, True)],
    ids=["the current one", "the old one too", "the old one alone", "none yet", "no status yet"],
)
def test_it_is_settled_where_no_object_lies_in_another_version(stored: list[str] | None, settled: bool) -> None:
    assert found(Version(BETA, stored=True), Version(ALPHA), stored=stored).is_up_to_date is settled


@pytest.mark.parametrize(
    ("beta", "alpha", "way"), [(True, True, BETA), (False, True, ALPHA), (True, False, BETA), (False, False, None)]
)
def test_objects_are_reached_by_a_version_that_is_served(beta: bool, alpha: bool, way: str | None) -> None:
    versions = (Version(BETA, served=beta, stored=True), Version(ALPHA, served=alpha))
    assert found(*versions, stored=[ALPHA]).way == way


@pytest.mark.parametrize("stored", [(), (ALPHA, BETA)], ids=["none", "both"])
def test_kinds_of_which_not_exactly_one_version_is_stored_are_not_made(stored: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="exactly one version is stored"):
        custom_resource_definition(IDENTITY, [Version(name, stored=name in stored) for name in (ALPHA, BETA)])


def test_the_operator_speaks_a_version_that_is_served() -> None:
    assert SPOKEN in VERSIONS
    assert SPOKEN.served


def test_all_versions_have_one_shape_so_that_the_apiserver_converts_by_itself() -> None:
    versions = (Version(BETA, stored=True), Version(ALPHA, deprecation="use the other"))
    for kind in KINDS:
        definition = custom_resource_definition(kind, versions)
        beta, alpha = definition["spec"]["versions"]
        assert "conversion" not in definition["spec"]
        assert (alpha.pop("deprecated"), alpha.pop("deprecationWarning")) == (True, "use the other")
        for version in (beta, alpha):
            said = version["schema"]["openAPIV3Schema"]["properties"].pop("apiVersion")["description"]
            assert said == f"Always ses-operator.io/{version.pop('name')}."
        assert {**beta, "storage": False} == alpha


def test_the_role_names_our_definitions_and_kinds_and_nothing_else() -> None:
    role = yaml.safe_load(CliRunner().invoke(main, ["migrate-storage", "--rbac"]).stdout)
    definitions = [f"{kind.plural}.ses-operator.io" for kind in KINDS]
    assert [(rule["resources"], rule["verbs"], rule.get("resourceNames")) for rule in role["rules"]] == [
        (["customresourcedefinitions"], ["get"], definitions),
        (["customresourcedefinitions/status"], ["patch"], definitions),
        ([kind.plural for kind in KINDS], ["list", "patch"], None),
    ]
