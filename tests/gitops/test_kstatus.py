"""What those who wait with kstatus (Flux, Helm) make of our objects at every moment, by kstatus itself."""

from __future__ import annotations

from gitops.moments import MOMENTS, for_every_reason
from gitops.program import ask


def test_every_moment_is_read_as_it_is_meant() -> None:
    read = ask("kstatus", [moment.object for moment in MOMENTS])
    assert {f"{m.kind} {m.name}": answer["status"] for m, answer in zip(MOMENTS, read, strict=True)} == {
        f"{m.kind} {m.name}": str(m.kstatus) for m in MOMENTS
    }


def test_a_reason_fails_at_once_if_it_stalls_and_is_waited_for_otherwise() -> None:
    moments = for_every_reason()
    read = ask("kstatus", [moment.object for moment in moments])
    assert {m.name: answer["status"] for m, answer in zip(moments, read, strict=True)} == {
        m.name: str(m.kstatus) for m in moments
    }
    assert {answer["message"] for answer in read if answer["status"] == "Failed"} <= {m.message for m in moments}
