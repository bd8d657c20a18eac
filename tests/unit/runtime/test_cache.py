"""The object store: what it hands out is never older than what it was told."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ses_operator.api.identity.kind import SesIdentity
from ses_operator.core.model.bounds import LEFT_OUT
from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.kube.resources import key_of
from ses_operator.runtime.watch.cache import ObjectChange, ObjectStore

KEY = ObjectKey("team-a", "mail")


def identity(version: int, *, uid: str = "u1", domain: str = "example.com", name: str = "mail", **metadata: Any) -> Any:
    return {
        "apiVersion": "ses-operator.io/v1alpha1",
        "kind": "SesIdentity",
        "metadata": {"namespace": "team-a", "name": name, "uid": uid, "resourceVersion": str(version), **metadata},
        "spec": {"domain": domain, "regions": ["eu-west-1"]},
    }


def new_store() -> ObjectStore[SesIdentity]:
    return ObjectStore(SesIdentity.model_validate, {"domain": lambda found: [found.spec.domain]})


def test_what_the_apiserver_answered_to_a_write_is_not_undone_by_a_watch_that_lags() -> None:
    store = new_store()
    assert store.observe(identity(1)).change is ObjectChange.ADDED
    written = identity(5, finalizers=["ses-operator.io/finalizer"])
    assert store.observe(written).change is ObjectChange.INTENT
    for late in (identity(2, labels={"a": "b"}), written):
        assert store.observe(late).change is ObjectChange.NOTHING
    found = store.get(KEY)
    assert found is not None
    assert found.metadata.has_finalizer


def test_an_object_whose_last_finalizer_we_removed_does_not_come_back_with_a_watch_that_lags() -> None:
    store = new_store()
    deleting = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    store.observe(identity(1))
    assert store.observe(identity(9, **deleting)).change is ObjectChange.REMOVED
    assert store.observe(identity(3, finalizers=["x"], **deleting)).change is ObjectChange.NOTHING
    assert store.get(KEY) is None


def test_another_object_of_the_same_name_is_a_new_one() -> None:
    store = new_store()
    store.observe(identity(1))
    assert store.observe(identity(7, uid="u2")).change is ObjectChange.ADDED
    assert store.remove(KEY, "u1").change is ObjectChange.NOTHING
    assert store.uid(KEY) == "u2"


def test_an_edit_of_status_is_told_from_an_edit_of_what_somebody_wants() -> None:
    store = new_store()
    store.observe(identity(1))
    assert store.observe({**identity(2), "status": {"verifiedRegions": "1/1"}}).change is ObjectChange.STATUS
    assert store.observe(identity(3, annotations={"a": "b"})).change is ObjectChange.INTENT
    assert (
        store.observe(identity(4, annotations={"a": "b"}, managedFields=[{"manager": "x"}])).change
        is ObjectChange.STATUS
    )


def test_a_sighting_names_the_index_entries_before_and_after() -> None:
    store = new_store()
    store.observe(identity(1, domain="a.example"))
    assert store.observe(identity(2, domain="b.example")).entries == {("domain", "a.example"), ("domain", "b.example")}
    assert store.by_index("domain", "a.example") == []
    assert store.by_index("domain", "b.example") == [KEY]
    assert store.remove(KEY, "u1").entries == {("domain", "b.example")}


def test_an_object_that_cannot_be_read_is_reported_and_not_held() -> None:
    reported: list[tuple[ObjectKey, str]] = []
    store = ObjectStore(
        SesIdentity.model_validate, on_unreadable=lambda obj, reason: reported.append((key_of(obj), reason))
    )
    store.observe(identity(1))
    broken = {**identity(2), "spec": {"regions": 7}}
    assert store.observe(broken).change is ObjectChange.REMOVED
    store.observe({**broken, "metadata": identity(3)["metadata"]})
    assert (reported, store.get(KEY)) == ([(KEY, "spec.regions: Input should be a valid tuple")], None)
    assert (store.unreadable, store.lacks({KEY: "u1"})) == (1, False)
    store.observe(identity(4))
    assert store.unreadable == 0


def test_a_status_that_cannot_be_read_hides_no_object() -> None:
    store = new_store()
    store.observe({**identity(1), "status": {"regions": "eu-west-1", "conditions": [7]}})
    found = store.get(KEY)
    assert found is not None
    assert (found.spec.domain, found.status.regions, store.unreadable) == ("example.com", (), 0)


def test_an_object_of_which_a_value_was_left_out_is_held_and_named() -> None:
    reported: list[str] = []
    store = ObjectStore(SesIdentity.model_validate, on_unreadable=lambda _, reason: reported.append(reason))
    cut = identity(1)
    cut["spec"]["policies"] = [{"name": "p", "document": {"Statement": LEFT_OUT}}]
    for version in ("1", "2"):
        store.observe({**cut, "metadata": {**cut["metadata"], "resourceVersion": version}})
    assert (KEY in store, reported) == (True, ["a value of it is left out: nested too deeply, or too large"])


def test_what_others_annotate_is_not_held() -> None:
    store = ObjectStore(SesIdentity.model_validate, annotations="ses-operator.io/")
    store.observe(identity(1, annotations={"example.com/note": "x" * 200_000, "ses-operator.io/x": "y"}))
    found = store.get(KEY)
    assert found is not None
    for other in range(300):  # more than are kept parsed
        store.observe(identity(1, name=f"other-{other}", uid=f"other-{other}"))
    found = store.get(KEY)
    assert found is not None
    assert found.metadata.annotations == {"ses-operator.io/x": "y"}


def test_deletions_that_no_watch_told_of_are_found_by_comparing_with_a_list() -> None:
    store = new_store()
    for number, name in enumerate(("kept", "deleted", "recreated", "newer")):
        store.observe(identity(10 * number + 1, name=name, uid=name, domain=f"{name}.example"))
    live = {ObjectKey("team-a", "kept"): "kept", ObjectKey("team-a", "recreated"): "another"}
    removed = store.prune(live, version=25)
    assert {sighting.key.name for sighting in removed} == {"deleted", "recreated"}
    assert {key.name for key in store} == {"kept", "newer"}
    assert store.lacks({ObjectKey("team-a", "never-seen"): "u9"})
    assert not store.lacks({ObjectKey("team-a", "deleted"): "deleted"})


@given(
    st.lists(
        st.tuples(st.sampled_from(["mail", "news"]), st.integers(1, 30), st.sampled_from(["a", "b", "c"])), max_size=30
    )
)
def test_the_newest_version_wins_and_the_index_follows(sightings: list[tuple[str, int, str]]) -> None:
    store = new_store()
    newest: dict[str, tuple[int, str]] = {}
    for name, version, domain in sightings:
        store.observe(identity(version, name=name, uid=name, domain=domain))
        if version > newest.get(name, (0, ""))[0]:
            newest[name] = (version, domain)
    for name, (version, domain) in newest.items():
        found = store.get(ObjectKey("team-a", name))
        assert found is not None
        assert (found.metadata.resource_version, found.spec.domain) == (str(version), domain)
    for domain in "abc":
        expected = sorted(ObjectKey("team-a", name) for name, (_, held) in newest.items() if held == domain)
        assert store.by_index("domain", domain) == expected
