"""Pictures of the documentation are small, shown somewhere, and load nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs.pages import PAGES
from docs.writing import ROOT

PICTURES = sorted((ROOT / "docs" / "images").iterdir())
MOST_BYTES = 200_000


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_the_picture_is_small_and_shown_with_words_for_those_who_do_not_see_it(picture: Path) -> None:
    shown = re.compile(rf"!\[[^\]]{{20,}}\]\([\w./-]*images/{re.escape(picture.name)}\)")
    assert any(shown.search(page.read_text(encoding="utf-8")) for page in PAGES)
    assert picture.stat().st_size < MOST_BYTES


@pytest.mark.parametrize(
    "picture", [each for each in PICTURES if each.suffix == ".svg"], ids=lambda picture: picture.name
)
def test_a_drawing_loads_nothing_from_elsewhere(picture: Path) -> None:
    text = re.sub(r"<!--.*?-->", "", picture.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert set(re.findall(r"https?://[^\s\"')]+", text)) <= {"http://www.w3.org/2000/svg"}
