"""What gitops/argocd repeats of the scripts, and of the operator's statuses, is what they say."""

from __future__ import annotations

import yaml

from docs.repository import files as tracked
from gitops.customizations import CONFIG_MAP, FOLDER, KINDS, config_map, files
from ses_operator.api.base.meta import GROUP
from ses_operator.api.schema.kinds import KINDS as SERVED


def test_what_is_generated_is_up_to_date() -> None:
    generated = files()
    there = {path: path.read_text(encoding="utf-8") for path in generated if path.exists()}
    assert there == generated, "run `make gitops`"
    data = {path for path in tracked(FOLDER, ".yaml") if path.parent.name == "testdata"}
    assert data <= generated.keys(), "run `make gitops`"


def test_there_are_scripts_for_every_kind() -> None:
    assert set(KINDS) == {kind.kind for kind in SERVED}


def test_the_config_map_says_of_each_kind_what_argo_cd_reads() -> None:
    data = config_map()["data"]
    topics = ("health", "actions")
    assert data.keys() == {f"resource.customizations.{topic}.{GROUP}_{kind}" for topic in topics for kind in KINDS}
    assert yaml.safe_load(CONFIG_MAP.read_text(encoding="utf-8")) == {"data": data}
