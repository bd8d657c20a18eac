"""The view of a terminal while one identity goes from kubectl apply to verified: drawn by rich, from a run."""

from __future__ import annotations

import inspect
import io
import re
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from devcluster.demo import IDENTITY, NAME, OPERATOR, SANDBOX
from devcluster.environment import Environment, running
from devcluster.waiting import eventually

WIDTH = 112
_FONTS = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
_MONOSPACE = "ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"
# rich's own, without the font that it would have browsers load: each line has its width set, so that any will do.
_OF_RICH: str = inspect.signature(Console.export_svg).parameters["code_format"].default
SVG = _FONTS.sub("", _OF_RICH).replace("font-family: Fira Code, monospace", f"font-family: {_MONOSPACE}")

_MESSAGE = 'jsonpath={.status.conditions[?(@.type=="Ready")].message}'


class Session:
    """Types commands into a recorded terminal and shows what they print."""

    def __init__(self, environment: Environment) -> None:
        self._kubectl = environment.kubectl
        self.console = Console(
            record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
        )

    def run(self, *arguments: str, shown: str | None = None, stdin: str | None = None) -> None:
        """Run kubectl with these arguments; ``shown``: how a person would type them."""
        self.console.print(Text("$ ", "green").append(shown or f"kubectl {' '.join(arguments)}", "bold bright_white"))
        said = self._kubectl(*arguments, stdin=stdin).rstrip()
        if said:
            self.console.print(_coloured(said), soft_wrap=False)
        self.console.print()


def draw(path: Path) -> None:
    """Run it and write the picture."""
    with running(SANDBOX) as environment, environment.operator(OPERATOR):
        session, kubectl = Session(environment), environment.kubectl
        session.run("apply", "--filename=-", shown="kubectl apply -f mail.yaml", stdin=IDENTITY)
        _once(lambda: "WaitingFor" in kubectl("get", "sesid", NAME))
        session.run("get", "sesid", "-o", "wide")
        session.run("get", "sesid", NAME, "-o", _MESSAGE, shown=f"kubectl get sesid {NAME} -o {_quoted(_MESSAGE)}")
        session.run("wait", "--for=condition=Ready", f"sesid/{NAME}", "--timeout=2m")
        session.run("get", "sesid", "-o", "wide")
        session.run("get", "sesid", NAME, "-o", _MESSAGE, shown=f"kubectl get sesid {NAME} -o {_quoted(_MESSAGE)}")
    path.write_text(session.console.export_svg(title="ses-operator", code_format=SVG), encoding="utf-8")


def _once(holds: Callable[[], bool]) -> None:
    eventually(holds, timeout=60, of="the operator to say something")
    time.sleep(1)


def _quoted(option: str) -> str:
    name, _, value = option.partition("=")
    return f"{name}='{value}'"


def _coloured(text: str) -> Text:
    """Colour the text, with the blanks behind a word: the drawing may lose those that begin a piece of text."""
    shown = Text(text)
    shown.highlight_regex(r"\b(True|Succeeded|condition met|created) *", "green")
    shown.highlight_regex(r"\b(False|WaitingFor\w+) *", "yellow")
    shown.highlight_regex(r"^NAME.*$", "bright_black")
    return shown
