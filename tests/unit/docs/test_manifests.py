"""Every manifest of ours in the documentation and the examples is one that the models take, with no field unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.pages import EXAMPLES, PAGES, Block, blocks
from docs.writing import ROOT
from ses_operator.api.base.meta import API_VERSION
from ses_operator.api.schema.kinds import KINDS

BLOCKS = [block for page in PAGES for block in blocks(page, "yaml", "yml")]
MODELS = {kind.kind: kind.model for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Manifest:
    """One document, and where it stands."""

    where: str
    content: dict[str, Any]


def manifests() -> Iterator[Manifest]:
    for block in BLOCKS:
        if block.part_of is None:
            yield from documents(block.page, block.text)
    for example in EXAMPLES:
        yield from documents(example, example.read_text(encoding="utf-8"))


def documents(path: Path, text: str) -> Iterator[Manifest]:
    for content in yaml.safe_load_all(text):
        if content.get("apiVersion") == API_VERSION:
            yield Manifest(f"{path.relative_to(ROOT)}: {content['kind']} {content['metadata']['name']}", content)


def unknown_fields(written: Any, understood: Any, at: str = "") -> Iterator[str]:
    """Fields that the manifest has and the parsed object, written out again, has not."""
    if isinstance(written, dict) and isinstance(understood, dict):
        for name, value in written.items():
            if name not in understood:
                yield f"{at}.{name}"
            else:
                yield from unknown_fields(value, understood[name], f"{at}.{name}")
    elif isinstance(written, list) and isinstance(understood, list):
        for index, (one, other) in enumerate(zip(written, understood, strict=True)):
            yield from unknown_fields(one, other, f"{at}[{index}]")


@pytest.mark.parametrize("manifest", tuple(manifests()), ids=lambda manifest: manifest.where)
def test_the_manifest_is_understood_whole(manifest: Manifest) -> None:
    understood = MODELS[manifest.content["kind"]].model_validate(manifest.content)
    written_out = understood.model_dump(mode="json", by_alias=True, include={"metadata", "spec"})
    assert list(unknown_fields({key: manifest.content[key] for key in ("metadata", "spec")}, written_out)) == []


def test_a_field_that_does_not_exist_is_found() -> None:
    written = {"spec": {"regions": [{"name": "x", "wrong": 1}]}}
    assert list(unknown_fields(written, {"spec": {"regions": [{"name": "x"}]}})) == [".spec.regions[0].wrong"]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_a_block_is_whole_or_says_what_it_is_a_part_of(block: Block) -> None:
    assert block.documents
    if block.part_of is None:
        assert all({"apiVersion", "kind", "metadata"} <= document.keys() for document in block.documents)


@pytest.mark.parametrize(
    "block", [block for page in PAGES for block in blocks(page, "json")], ids=lambda block: block.where
)
def test_a_block_of_json_is_that(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize(
    "block", [block for page in PAGES for block in blocks(page, "python")], ids=lambda block: block.where
)
def test_a_block_of_python_is_a_program(block: Block) -> None:
    compile(block.text, block.where, "exec")
