"""For all tests: no property fails for the time that it takes, and what is imported is never looked at as garbage; in the end
stands what each folder took."""

import gc
from collections import defaultdict
from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "patient",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")


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
