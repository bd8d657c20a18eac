"""botocore's clients, kept from one operator of a test process to the next: to make one costs more than most tests.

A client holds no state but open connections, and these are closed with the operator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from unittest.mock import patch

from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import Session


@contextmanager
def kept_clients() -> Iterator[None]:
    """Within the block the operator gets the same client for the same static keys and settings.

    The clients of tests are made as ever: a test may add handlers to one, or read its region from the environment.
    """
    make: Callable[..., Any] = Session.create_client
    kept: dict[Any, Any] = {}
    lock = Lock()

    def create_client(session: Session, service: str, **settings: Any) -> Any:
        keys, config = session.get_credentials(), settings.get("config")
        if type(keys) is not Credentials or not _is_operators(config):
            return make(session, service, **settings)
        given = {name: value for name, value in vars(config).items() if not name.startswith("_")}
        rest = {name: value for name, value in settings.items() if name != "config"}
        key = repr((service, keys.access_key, keys.secret_key, keys.token, sorted(given.items(), key=repr), rest))
        with lock:
            if key not in kept:
                kept[key] = make(session, service, **settings)
            return kept[key]

    with patch.object(Session, "create_client", create_client):
        yield


def _is_operators(config: object) -> bool:
    return isinstance(config, Config) and vars(config).get("user_agent_extra") == "ses-operator"
