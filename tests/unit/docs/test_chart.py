"""The chart's README, and what Artifact Hub is told, say what the chart and the API say."""

from __future__ import annotations

import yaml

from docs.chart import CHART, PAGE, page, values
from ses_operator.api.base.meta import GROUP, VERSION
from ses_operator.api.schema.kinds import KINDS
from unit.chart.test_chart_values import SCHEMA, paths

ANNOTATIONS = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["annotations"]


def test_the_readme_has_every_value() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"
    assert {value.path for value in values()} == paths(SCHEMA) - {"global"}


def test_artifact_hub_is_told_of_every_kind() -> None:
    told = {
        (kind["kind"], kind["version"], kind["name"]) for kind in yaml.safe_load(ANNOTATIONS["artifacthub.io/crds"])
    }
    assert told == {(kind.kind, VERSION, f"{kind.plural}.{GROUP}") for kind in KINDS}


def test_artifact_hub_shows_the_quickstart() -> None:
    examples = yaml.safe_load(ANNOTATIONS["artifacthub.io/crdsExamples"])
    quickstart = CHART.parents[1] / "examples" / "quickstart.yaml"
    assert examples == list(yaml.safe_load_all(quickstart.read_text(encoding="utf-8")))
