"""A real Prometheus that scrapes one operator: Debian's package, from the PATH."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from devcluster.ports import free_port
from devcluster.process import Process

SCRAPE_SECONDS = 2
_READY_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Series:
    """The result of a query under one set of labels: points as (seconds since the epoch, value)."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus, queried by its HTTP API."""

    url: str

    def instant(self, query: str) -> list[Series]:
        """Return what the query finds now."""
        return [_series(found["metric"], [found["value"]]) for found in self._ask("query", query=query)]

    def range(self, query: str, start: float, end: float, step: float) -> list[Series]:
        """Return what the query finds between two moments, every ``step`` seconds."""
        found = self._ask("query_range", query=query, start=start, end=end, step=step)
        return [_series(each["metric"], each["values"]) for each in found]

    def _ask(self, resource: str, **arguments: Any) -> list[dict[str, Any]]:
        with urlopen(f"{self.url}/api/v1/{resource}?{urlencode(arguments)}", timeout=30) as answer:  # noqa: S310
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return result

    def is_ready(self) -> bool:
        """Return True if it answers queries."""
        try:
            with urlopen(f"{self.url}/-/ready", timeout=2):  # noqa: S310
                return True
        except (URLError, OSError):
            return False


@contextmanager
def scraping(target: str, folder: Path) -> Iterator[Prometheus]:
    """Yield a Prometheus that scrapes ``target`` (host:port) from now on. Raises FileNotFoundError if there is none to start."""
    program = shutil.which("prometheus")
    if program is None:
        raise FileNotFoundError("prometheus is not in the PATH: install Debian's package of that name")
    configuration = folder / "prometheus.yml"
    job = {"job_name": "ses-operator", "static_configs": [{"targets": [target]}]}
    every = {"scrape_interval": f"{SCRAPE_SECONDS}s"}
    configuration.write_text(yaml.safe_dump({"global": every, "scrape_configs": [job]}), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command: list[str | Path] = [
        program,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={address}",
    ]
    process, prometheus = Process("prometheus", command, folder / "prometheus.log"), Prometheus(f"http://{address}")
    process.start()
    try:
        process.await_ready(prometheus.is_ready, timeout=_READY_TIMEOUT)
        yield prometheus
    finally:
        process.stop()


def _series(labels: Mapping[str, str], points: Sequence[tuple[float, str]]) -> Series:
    return Series(labels, [(float(moment), float(value)) for moment, value in points])
