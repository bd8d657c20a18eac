"""What the chart and the image repeat of the operator is the same there and here."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ses_operator.api.schema.admission import render
from ses_operator.api.schema.crd import render_all
from ses_operator.settings import LogFormat, LogLevel, MetricsDetail, Settings, options

ROOT = Path(__file__).parents[3]
CHART = ROOT / "charts" / "ses-operator"
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))

GIVEN_OTHERWISE = {
    "installation_id",  # the value installationID
    "confirm_installation_id",  # the value confirmInstallationID
    "installation_record",  # named after the release, as the Role names it
    "watch_namespaces",  # the value watchNamespaces
    "namespace",  # the pod knows its own
    "kubeconfig",  # the pod has its ServiceAccount
    "bind_address",  # the kubelet and Prometheus come from outside of the pod
}


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def paths(schema: dict[str, Any], prefix: str = "") -> set[str]:
    """The values that the schema describes one by one."""
    found: set[str] = set()
    for name, inner in schema["properties"].items():
        found |= paths(inner, f"{prefix}{name}.") if "properties" in inner else {prefix + name}
    return found


def leaves(values: dict[str, Any], described: set[str], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in values.items():
        path = prefix + name
        deeper = isinstance(value, dict) and path not in described
        found |= leaves(value, described, f"{path}.") if deeper else {path}
    return found


def test_every_setting_is_a_value_with_the_operator_s_own_default() -> None:
    assert VALUES["settings"] == {
        camel(option.name): option.default for option in options() if option.name not in GIVEN_OTHERWISE
    }


def test_the_schema_describes_the_values_that_there_are_and_no_others() -> None:
    described = paths(SCHEMA)
    assert leaves(VALUES, described) == described - {"global"}


def test_each_value_is_documented_where_it_stands() -> None:
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    lines, document = text.splitlines(), yaml.compose(text)
    assert isinstance(document, yaml.MappingNode)
    first_lines = lines_of(document, paths(SCHEMA))
    assert first_lines.keys() == paths(SCHEMA) - {"global"}
    assert [path for path, line in first_lines.items() if not lines[line - 1].lstrip().startswith("# ")] == []


def lines_of(node: yaml.MappingNode, wanted: set[str], prefix: str = "") -> dict[str, int]:
    """Where each of these values begins."""
    found: dict[str, int] = {}
    for name, value in node.value:
        path = prefix + name.value
        if path in wanted:
            found[path] = name.start_mark.line
        elif isinstance(value, yaml.MappingNode):
            found |= lines_of(value, wanted, f"{path}.")
    return found


def test_the_schema_knows_the_operator_s_log_formats_levels_and_details_of_metrics() -> None:
    settings = SCHEMA["properties"]["settings"]["properties"]
    assert settings["logFormat"]["enum"] == [str(each) for each in LogFormat]
    assert settings["logLevel"]["enum"] == [str(each) for each in LogLevel]
    assert settings["metricsDetail"]["enum"] == [str(each) for each in MetricsDetail]


@pytest.mark.parametrize(
    "setting", ["workers", "awsConnections", "urgentWorkers", "shutdownGrace", "mailFiguresInterval"]
)
def test_the_least_that_the_schema_takes_is_the_least_that_the_operator_takes(setting: str) -> None:
    least = SCHEMA["properties"]["settings"]["properties"][setting]["minimum"]
    name = next(option.name for option in options() if camel(option.name) == setting)
    Settings(installation_id="test", **{name: least})
    with pytest.raises(ValueError, match=r"at least|not be negative"):
        Settings(installation_id="test", **{name: least - 1})


def test_the_kinds_in_the_chart_are_those_of_this_version() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in (CHART / "files" / "crds").iterdir()}
    assert files == render_all(), "run: ses-operator crds --output charts/ses-operator/files/crds"


def test_the_admission_policies_in_the_chart_are_those_of_this_version() -> None:
    assert (CHART / "files" / "admission.yaml").read_text(encoding="utf-8") == render()


def test_chart_image_and_operator_are_of_one_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert (chart["version"], chart["appVersion"]) == (version, version)
    assert f"ARG VERSION={version}\n" in dockerfile
