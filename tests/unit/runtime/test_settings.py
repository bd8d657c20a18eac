"""Settings, the command line that is made from them, and log lines."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from click.testing import CliRunner

from ses_operator.cli.main import main
from ses_operator.logs import JsonFormatter, TextFormatter
from ses_operator.settings import LogFormat, Settings, from_mapping, options


def test_an_installation_id_is_all_that_must_be_given() -> None:
    assert [option.name for option in options() if option.default is None] == ["installation_id"]
    assert Settings(installation_id="prod-eu").namespaces == ()


def test_namespaces_are_told_apart_by_commas() -> None:
    assert Settings(installation_id="a", watch_namespaces=" team-b, team-a,,team-b").namespaces == ("team-a", "team-b")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"installation_id": ""}, r"--installation-id \(SES_OPERATOR_INSTALLATION_ID\) is required: choose a name"),
        ({"installation_id": "Prod"}, "lower-case"),
        ({"installation_id": "a/b"}, "lower-case"),
        ({"installation_id": "a" * 64}, "up to 63"),
        ({"installation_id": "a", "watch_namespaces": "a b"}, "'a b', which is not the name of a namespace"),
        ({"installation_id": "a", "workers": 0}, r"--workers \(SES_OPERATOR_WORKERS\) is 0: it must be at least 1"),
        ({"installation_id": "a", "idle_poll": 0.0}, "it must be more than 0 seconds"),
        ({"installation_id": "a", "lease_renew_deadline": 20.0}, "it must be more than --lease-renew-deadline"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_mapping(values)


def test_values_from_the_environment_are_converted() -> None:
    settings = from_mapping({"installation_id": "a", "workers": "7", "idle_poll": "60", "log_format": "json"})
    assert (settings.workers, settings.idle_poll, settings.log_format) == (7, 60.0, LogFormat.JSON)


def test_help_documents_every_setting_with_its_variable_and_default() -> None:
    shown = " ".join(CliRunner().invoke(main, ["run", "--help"]).output.split())
    for option in options():
        assert option.flag in shown
        assert f"env var: {option.variable}" in shown


def test_the_command_says_what_is_wrong_with_a_setting() -> None:
    result = CliRunner().invoke(main, ["run", "--installation-id", "No"])
    assert result.exit_code == 2
    assert "--installation-id (SES_OPERATOR_INSTALLATION_ID) is 'No': use up to 63" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(
            ["run"], "--installation-id (SES_OPERATOR_INSTALLATION_ID) is required", id="an option is missing"
        ),
        pytest.param(["run", "--workers", "many"], "'many' is not a valid integer", id="it is no number"),
        pytest.param(["run", "--no-such-option"], "--no-such-option", id="a subcommand has no such option"),
        pytest.param(["--no-such-option"], "--no-such-option", id="there is no such option"),
        pytest.param(["no-such-command"], "no-such-command", id="there is no such command"),
        pytest.param(["handover", "--to", "New Cluster", "mail"], "--to is 'New Cluster'", id="a value cannot be"),
    ],
)
def test_a_wrong_call_is_answered_in_one_line_with_exit_code_2(arguments: list[str], words: str) -> None:
    result = CliRunner(env={"SES_OPERATOR_INSTALLATION_ID": None}).invoke(main, arguments)
    assert result.exit_code == 2
    (line,) = result.output.splitlines()
    assert words in line


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("ses_operator.x", logging.INFO, __file__, 1, message, (), None)
    made.created = 0.0
    made.__dict__.update(extra)
    return made


def test_a_text_line_ends_with_what_it_is_about() -> None:
    line = TextFormatter().format(record("lease acquired", holder="a b", count=3))
    assert line == '1970-01-01T00:00:00.000Z INFO lease acquired holder="a b" count=3'


def test_a_json_line_has_the_same_as_members() -> None:
    line = json.loads(JsonFormatter().format(record("lease acquired", holder="a b")))
    assert line == {
        "ts": "1970-01-01T00:00:00.000Z",
        "level": "info",
        "logger": "ses_operator.x",
        "msg": "lease acquired",
        "holder": "a b",
    }


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_an_exception_is_part_of_the_line(formatter: logging.Formatter) -> None:
    try:
        int("boom")
    except ValueError:
        failed = record("failed")
        failed.exc_info = sys.exc_info()
    assert "ValueError: invalid literal" in formatter.format(failed)
