"""For all tests: no property fails for the time that it takes, and what is imported is never looked at as garbage; the longest
modules are begun first, and in the end stands what each folder took."""

import gc
import os
from collections import defaultdict
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, settings

_TESTS = Path(__file__).parent
_FIRST = (
    "controllers/test_any_change.py",
    "cluster/test_examples.py",
    "cluster/test_chart.py",
    "cluster",
    "gitops",
    "controllers",
)
"""The modules and folders that are begun first if there are several test processes: one that is long must not be the last."""

settings.register_profile(
    "patient",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Let several test processes take whole modules, in our order: each that has a part of a module starts what it needs."""
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":
        config.option.dist = "loadfile"
        config.option.loadscopereorder = False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the modules that test processes take; a process alone has what is quick first."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: _place(item.path))


def _place(path: Path) -> int:
    """The place of a module in the order of those that are begun first."""
    name = path.relative_to(_TESTS).as_posix()
    return next((number for number, first in enumerate(_FIRST) if name.startswith(first)), len(_FIRST))


def pytest_collection_finish() -> None:
    """Leave all that stays for the whole run to itself: going through it again and again takes a quarter of the time."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seconds that the tests of each folder of tests/ took, set-up included, and all test processes together."""
    seconds, tests = defaultdict[str, float](float), defaultdict[str, set[str]](set)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                folder = _folder(report.nodeid)
                seconds[folder] += report.duration
                tests[folder].add(report.nodeid)
    if seconds:
        terminalreporter.section("time of each folder, of all test processes together")
    for folder, spent in sorted(seconds.items(), key=lambda item: item[1], reverse=True):
        terminalreporter.write_line(f"{spent:8.1f} s  {folder} ({len(tests[folder])} tests)")


def _folder(nodeid: str) -> str:
    """The folder below tests/ of a test."""
    return str(PurePosixPath(*PurePosixPath(nodeid.partition("::")[0]).parts[:2]))
