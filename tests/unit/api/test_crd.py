"""The manifests in crds/ and the schemas behind them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from click.testing import CliRunner
from pydantic import Field

from ses_operator.api.base.model import SERVER_DEFAULT, Model
from ses_operator.api.schema.crd import custom_resource_definition, render_all
from ses_operator.api.schema.kinds import ACCOUNT, IDENTITY, KINDS, TEMPLATE, Kind
from ses_operator.api.schema.structural import UnsupportedSchemaError, structural_schema
from ses_operator.cli.main import main

REPOSITORY = Path(__file__).parents[3]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


def schema_of(kind: Kind) -> dict[str, Any]:
    version = custom_resource_definition(kind)["spec"]["versions"][0]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return schema


def walk(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node of a schema, with its path."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    for inner in ("items", "additionalProperties"):
        if inner in schema:
            yield from walk(schema[inner], f"{path}[]")


def test_the_manifests_in_the_repository_are_those_of_the_models() -> None:
    committed = {path.name: path.read_text(encoding="utf-8") for path in (REPOSITORY / "crds").glob("*.yaml")}
    assert committed == render_all(), "run: ses-operator crds --output crds"


def test_the_manifests_are_the_same_text_each_time() -> None:
    assert render_all() == render_all()


@every_kind
def test_no_schema_has_references_alternatives_or_titles(kind: Kind) -> None:
    for path, node in walk(schema_of(kind)):
        assert not node.keys() & {"$ref", "$defs", "anyOf", "oneOf", "allOf", "title", "nullable"}, path


@every_kind
def test_every_field_is_explained(kind: Kind) -> None:
    unexplained = [
        f"{path}.{name}"
        for path, node in walk(schema_of(kind))
        for name, child in node.get("properties", {}).items()
        if not child.get("description") and f"{path}.{name}" != ".metadata"
    ]
    assert unexplained == []


@every_kind
def test_every_list_map_and_string_of_the_spec_that_a_rule_reads_is_bounded(kind: Kind) -> None:
    bounds = {"string": "maxLength", "array": "maxItems", "object": "maxProperties"}
    for path, node in walk(schema_of(kind)["properties"]["spec"]):
        kind_of_node = node.get("type", "")
        is_free_map = kind_of_node == "object" and "additionalProperties" in node
        if kind_of_node in ("string", "array") or is_free_map:
            assert bounds[kind_of_node] in node or "enum" in node, path


@every_kind
def test_every_list_says_how_it_merges(kind: Kind) -> None:
    lists = {
        path: node["x-kubernetes-list-type"] for path, node in walk(schema_of(kind)) if node.get("type") == "array"
    }
    assert set(lists.values()) <= {"atomic", "map"}
    assert lists[".status.conditions"] == "map"


def test_regions_are_atomic_so_that_nobody_adds_one_out_of_sight_of_git() -> None:
    assert schema_of(IDENTITY)["properties"]["spec"]["properties"]["regions"]["x-kubernetes-list-type"] == "atomic"


@every_kind
def test_every_rule_has_a_message_for_people(kind: Kind) -> None:
    for path, node in walk(schema_of(kind)):
        for entry in node.get("x-kubernetes-validations", []):
            assert len(entry["message"].split()) > 3, path


@every_kind
def test_status_begins_at_generation_minus_one_and_requires_nothing(kind: Kind) -> None:
    status = schema_of(kind)["properties"]["status"]
    assert status["default"] == {"observedGeneration": -1}
    assert "required" not in status


def test_the_apiserver_defaults_only_what_no_account_and_no_other_mode_decides() -> None:
    spec = schema_of(IDENTITY)["properties"]["spec"]
    defaulted = {path for path, node in walk(spec) if "default" in node}
    assert defaulted == {
        ".accountRef",
        ".accountRef.name",
        ".dkim.byodkim.generate",
        ".dkim.byodkim.privateKeySecretRef.key",
        ".mailFrom.behaviorOnMXFailure",
        ".mailFrom.scope",
        ".deletionPolicy",
        ".adoptionPolicy",
        ".suspend",
    }


@pytest.mark.parametrize(
    ("kind", "columns", "wide"),
    [
        (IDENTITY, ["Domain", "Email", "Verified", "Ready", "Reason", "Age"], ["DNS", "DKIM"]),
        (ACCOUNT, ["Account", "Identities", "Ready", "Reason", "Age"], ["Findings", "DNS", "Message"]),
        (TEMPLATE, ["From", "Regions", "Ready", "Reason", "Age"], ["Template"]),
    ],
    ids=["SesIdentity", "SesAccount", "SesVerificationTemplate"],
)
def test_kubectl_get_shows_these_columns(kind: Kind, columns: list[str], wide: list[str]) -> None:
    shown = custom_resource_definition(kind)["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column["name"] for column in shown if not column.get("priority")] == columns
    assert [column["name"] for column in shown if column.get("priority")] == wide


class Nested(Model):
    """A nested value."""

    limit: int = Field(3, description="A limit.")


class Sample(Model):
    """A model with one field of each sort that needs converting."""

    maybe: Nested | None = Field(None, description="Optional and nested.")
    chosen: str = Field("x", description="Defaulted by the apiserver.", json_schema_extra=SERVER_DEFAULT)
    words: tuple[Annotated[str, Field(max_length=4)], ...] = Field((), max_length=2, description="Bounded.")


def test_an_optional_model_is_inlined_under_the_description_of_its_field() -> None:
    assert structural_schema(Sample)["properties"]["maybe"] == {
        "description": "Optional and nested.",
        "type": "object",
        "properties": {"limit": {"description": "A limit.", "type": "integer", "format": "int64"}},
    }


def test_only_a_marked_default_reaches_the_schema() -> None:
    properties = structural_schema(Sample)["properties"]
    assert properties["chosen"] == {"description": "Defaulted by the apiserver.", "type": "string", "default": "x"}
    assert "default" not in properties["maybe"]["properties"]["limit"]


def test_bounds_of_a_list_and_of_its_items_are_kept_apart() -> None:
    assert structural_schema(Sample)["properties"]["words"] == {
        "description": "Bounded.",
        "type": "array",
        "maxItems": 2,
        "x-kubernetes-list-type": "atomic",
        "items": {"type": "string", "maxLength": 4},
    }


def test_a_field_of_alternatives_is_refused() -> None:
    class Either(Model):
        value: int | str = Field(description="One or the other.")

    with pytest.raises(UnsupportedSchemaError, match=r"Either\.value"):
        structural_schema(Either)


def test_a_field_without_a_description_is_refused() -> None:
    class Silent(Model):
        value: int

    with pytest.raises(UnsupportedSchemaError, match=r"Silent\.value: needs a description"):
        structural_schema(Silent)


def test_a_keyword_that_kubernetes_does_not_know_is_refused() -> None:
    class Multiple(Model):
        value: int = Field(description="Even.", multiple_of=2)

    with pytest.raises(UnsupportedSchemaError, match="multipleOf"):
        structural_schema(Multiple)


def test_crds_to_standard_output_is_one_stream_of_manifests() -> None:
    result = CliRunner().invoke(main, ["crds"])
    assert result.exit_code == 0
    names = [manifest["metadata"]["name"] for manifest in yaml.safe_load_all(result.stdout)]
    assert names == [f"{kind.plural}.ses-operator.io" for kind in (IDENTITY, ACCOUNT, TEMPLATE)]


def test_crds_to_a_folder_is_one_file_per_kind(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "crds"
    result = CliRunner().invoke(main, ["crds", "--output", str(folder)])
    assert result.exit_code == 0
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == render_all()


def test_an_unknown_command_names_what_is_wrong() -> None:
    result = CliRunner().invoke(main, ["crd"])
    assert result.exit_code == 2
    assert "crd" in result.stderr


def test_the_manifests_are_plain_json_underneath() -> None:
    for kind in KINDS:
        manifest = custom_resource_definition(kind)
        assert json.loads(json.dumps(manifest)) == manifest
