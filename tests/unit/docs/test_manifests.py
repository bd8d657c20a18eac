"""Every manifest of ours in the documentation and the examples is one that the models take, with no field unknown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from devcluster import yamls
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
    for content in yamls.documents(text):
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


def faults(manifest: Manifest) -> list[str]:
    """What the models do not take, and the fields that they do not know."""
    try:
        understood = MODELS[manifest.content["kind"]].model_validate(manifest.content)
    except ValidationError as error:
        return [str(error)]
    written_out = understood.model_dump(mode="json", by_alias=True, include={"metadata", "spec"})
    return list(unknown_fields({key: manifest.content[key] for key in ("metadata", "spec")}, written_out))


def test_every_manifest_is_understood_whole() -> None:
    found = {manifest.where: faults(manifest) for manifest in manifests()}
    assert found
    assert {where: wrong for where, wrong in found.items() if wrong} == {}


def test_a_field_that_does_not_exist_is_found() -> None:
    written = {"spec": {"regions": [{"name": "x", "wrong": 1}]}}
    assert list(unknown_fields(written, {"spec": {"regions": [{"name": "x"}]}})) == [".spec.regions[0].wrong"]


def is_whole(block: Block) -> bool:
    """Whether it says what it is a part of, or is objects with all that an object has."""
    documents = block.documents
    whole = all({"apiVersion", "kind", "metadata"} <= document.keys() for document in documents)
    return bool(documents) and (block.part_of is not None or whole)


def test_a_block_is_whole_or_says_what_it_is_a_part_of() -> None:
    assert [block.where for block in BLOCKS if not is_whole(block)] == []


def is_read_by(read: Callable[[str], object], block: Block) -> bool:
    try:
        read(block.text)
    except (SyntaxError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    ("language", "read"),
    [("json", json.loads), ("python", lambda text: compile(text, "block", "exec"))],
    ids=["json", "python"],
)
def test_a_block_of_a_language_is_of_that_language(language: str, read: Callable[[str], object]) -> None:
    found = [block for page in PAGES for block in blocks(page, language)]
    assert found
    assert [block.where for block in found if not is_read_by(read, block)] == []
