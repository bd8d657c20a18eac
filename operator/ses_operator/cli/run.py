"""``ses-operator run``: one replica of the operator. Its options are the settings, each documented where it is defined."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from enum import Enum
from typing import Any

import click

from ses_operator import logs
from ses_operator.app import run as run_replica
from ses_operator.controllers.wiring import build_controllers
from ses_operator.settings import Option, from_mapping, options


def _with_options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(options()):
        function = click.option(
            option.flag,
            option.name,
            type=_type(option),
            default=None if option.default is None else str(option.default),
            required=option.default is None,
            envvar=option.variable,
            show_envvar=True,
            show_default=option.default not in (None, ""),
            help=option.help,
        )(function)
    return function


def _type(option: Option) -> Any:
    if issubclass(option.type, Enum):
        return click.Choice([member.value for member in option.type])
    return option.type


@click.command(short_help="Run the operator.", context_settings={"max_content_width": 100})
@_with_options
def run(**values: Any) -> None:
    """Run the operator until it is told to stop by SIGTERM or SIGINT.

    Several replicas may run: one is active, the others stand by. Each option can also be set by the environment
    variable that is shown with it.
    """
    try:
        settings = from_mapping(values)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    logs.configure(settings.log_format, settings.log_level)
    sys.exit(asyncio.run(run_replica(settings, build_controllers)))
