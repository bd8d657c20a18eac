"""Pictures of the documentation are small, shown somewhere, and load nothing from elsewhere."""

from __future__ import annotations

import re

from docs.pages import PAGES
from docs.repository import files
from docs.writing import ROOT

PICTURES = files(ROOT / "docs" / "images")
MOST_BYTES = 200_000


def test_every_picture_is_small_and_shown_with_words_for_those_who_do_not_see_it() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    shown = {path.rpartition("/")[2] for path in re.findall(r"!\[[^\]]{20,}\]\(([\w./-]*images/[^)]+)\)", text)}
    assert [picture.name for picture in PICTURES if picture.name not in shown] == []
    assert [picture.name for picture in PICTURES if picture.stat().st_size >= MOST_BYTES] == []


def test_no_drawing_loads_anything_from_elsewhere() -> None:
    for picture in files(ROOT / "docs" / "images", ".svg"):
        text = re.sub(r"<!--.*?-->", "", picture.read_text(encoding="utf-8"), flags=re.DOTALL)
        loaded = set(re.findall(r"https?://[^\s\"')]+", text))
        assert loaded <= {"http://www.w3.org/2000/svg"}, picture.name
