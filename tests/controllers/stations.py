"""Records which modules an event passes on its way to a status patch."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.kube.client import KubeClient
from ses_operator.runtime.log_subject import log_subject
from ses_operator.runtime.workqueue import WorkQueue

RECORDING = Path(__file__).parents[2] / "build" / "stations.json"
"""Read by `make figures`."""

OURS = "ses_operator."


class Recorder:
    """Listens from the moment at which a key is first put on a queue to the one at which status of its object is patched.

    ``path``: modules on the call stack at these moments, in the order of calls. ``touched``: modules with any call in between,
    for the key or in a thread that makes calls to AWS.
    """

    def __init__(self, key: ObjectKey) -> None:
        self.path: list[str] = []
        self.touched: set[str] = set()
        self.ended = threading.Event()
        self._key = key
        self._loop_thread = threading.get_ident()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen within the block, in this thread and in those that are started meanwhile."""
        threading.setprofile(self._on_event)
        sys.setprofile(self._on_event)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def write(self) -> None:
        """Leave the recording for `make figures`."""
        RECORDING.parent.mkdir(exist_ok=True)
        RECORDING.write_text(json.dumps({"path": self.path, "touched": sorted(self.touched)}, indent=2) + "\n")

    def _on_event(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or self.ended.is_set() or not _module(frame).startswith(OURS):
            return
        if not self.path:
            if frame.f_code is WorkQueue.add.__code__ and frame.f_locals["key"] == self._key:
                self._note(frame)
        elif self._is_about_the_key():
            self.touched.add(_module(frame))
            if frame.f_code is KubeClient.json_patch.__code__ and frame.f_locals["path"].endswith("/status"):
                self._note(frame)
                self.ended.set()

    def _is_about_the_key(self) -> bool:
        return threading.get_ident() != self._loop_thread or log_subject().get("name") == self._key.name

    def _note(self, innermost: FrameType) -> None:
        stack = [name for name in map(_module, _frames(innermost)) if name.startswith(OURS)]
        self.path += [name for name in dict.fromkeys(reversed(stack)) if name not in self.path]
        self.touched.update(stack)


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
