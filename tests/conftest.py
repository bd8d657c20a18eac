"""For all tests: no property fails for the time that it takes, and what is imported is never looked at as garbage."""

import gc

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
