"""The objects of one kind as last seen or written: what reconciles read instead of the API.

Fed by watches, and by the operator's own writes with what the apiserver answered to them, so that a reconcile never
sees less than it wrote itself: whatever is older than what is held is ignored. Objects are held as compact JSON, a
tenth of what they take as Python dicts; those in use are parsed once for each resource version.
"""

from __future__ import annotations

import json
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from ses_operator.core.model.bounds import LEFT_OUT, WHY_LEFT_OUT
from ses_operator.core.model.keys import ObjectKey
from ses_operator.runtime.kube.resources import JsonObject, key_of, resource_version_of
from ses_operator.runtime.source import Source

M = TypeVar("M")

PARSED_OBJECTS = 256
TOMBSTONES = 4096

_NOT_KEPT = ("managedFields", "selfLink")
_CUT = LEFT_OUT.encode()


class ObjectChange(Enum):
    """The change that an observation of an object has shown."""

    NOTHING = "nothing"  # it is as it was held, or an older state
    ADDED = "added"
    INTENT = "intent"  # spec, labels, annotations, finalizers, deletionTimestamp
    STATUS = "status"  # something else: its status, edited by another client
    REMOVED = "removed"


class Origin(Enum):
    """The way in which a change was noticed: by listing everything, or as it happened."""

    LISTED = "listed"
    WATCHED = "watched"


@dataclass(frozen=True, slots=True)
class CacheDelta:
    """The change of the cache by an object. ``entries``: its values in the indexes, now and before, as (index, value)."""

    key: ObjectKey
    change: ObjectChange
    entries: frozenset[tuple[str, Hashable]] = frozenset()
    origin: Origin = Origin.WATCHED

    def values(self, index: str) -> Iterator[Hashable]:
        """Yield the values that an index gives for the object, and gave before."""
        return (value for name, value in self.entries if name == index)


@dataclass(frozen=True, slots=True)
class _Held:
    uid: str
    version: int
    intent: int
    entries: frozenset[tuple[str, Hashable]]
    data: bytes


@dataclass(frozen=True, slots=True)
class _Unreadable:
    uid: str
    reason: str


class ObjectStore(Generic[M]):
    """Objects of one kind, parsed by ``parse``, with lookups by ``indexes``.

    An index is a function from the parsed object to the values by which it is to be found. ``changes`` is for callers
    that take in something that may be news to others.
    """

    def __init__(
        self,
        parse: Callable[[Mapping[str, Any]], M],
        indexes: Mapping[str, Callable[[M], Iterable[Hashable]]] | None = None,
        *,
        annotations: str = "",
        on_unreadable: Callable[[JsonObject, str], None] = lambda *_: None,
    ) -> None:
        """Hold only annotations that begin with ``annotations``: those of others may have 256 KB, and mean nothing here.

        Take a ``parse`` that raises if it cannot read an object.

        If only status cannot be read, the object is held without it. If more cannot, it is not held. ``on_unreadable``
        is called with the object and the reason, once for each reason; also for one that is held, but was cut when it
        was decoded.
        """
        self.changes: Source[CacheDelta] = Source()
        self._parse = parse
        self._indexes = dict(indexes or {})
        self._annotations = annotations
        self._on_unreadable = on_unreadable
        self._held: dict[ObjectKey, _Held] = {}
        self._parsed: OrderedDict[ObjectKey, tuple[int, M]] = OrderedDict()
        self._index: defaultdict[tuple[str, Hashable], set[ObjectKey]] = defaultdict(set)
        self._removed: OrderedDict[str, None] = OrderedDict()
        self._unreadable: dict[ObjectKey, _Unreadable] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: object) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[ObjectKey]:
        """Return the keys of all objects, in no particular order; the store may change meanwhile."""
        return iter(tuple(self._held))

    @property
    def newest(self) -> int:
        """The highest resource version among the objects, 0 if there are none."""
        return max((held.version for held in self._held.values()), default=0)

    @property
    def unreadable(self) -> int:
        """The number of objects that cannot be read, or only in part."""
        return len(self._unreadable)

    def uid(self, key: ObjectKey) -> str | None:
        """Return the uid of the object, None if there is none."""
        held = self._held.get(key)
        return held.uid if held else None

    def get(self, key: ObjectKey) -> M | None:
        """Return the object, None if there is none."""
        held = self._held.get(key)
        if held is None:
            return None
        known = self._parsed.get(key)
        if known is not None and known[0] == held.version:
            self._parsed.move_to_end(key)
            return known[1]
        return self._remember(key, held.version, self._parse(json.loads(held.data)))

    def by_index(self, index: str, value: Hashable) -> list[ObjectKey]:
        """Return the keys of the objects for which the index gives this value, sorted."""
        if index not in self._indexes:
            raise KeyError(index)
        return sorted(self._index.get((index, value), ()))

    def index(self, index: str) -> Iterator[tuple[Hashable, Collection[ObjectKey]]]:
        """Yield each value that an index has at present, and the keys of the objects for which it gives this value."""
        if index not in self._indexes:
            raise KeyError(index)
        return ((value, keys) for (name, value), keys in self._index.items() if name == index and keys)

    def observe(self, obj: JsonObject) -> CacheDelta:
        """Take in an object that was seen, or that the apiserver answered to a write.

        An object that is being deleted and has no finalizer left has gone with that write: it is removed.
        """
        key, uid, version = key_of(obj), obj["metadata"]["uid"], resource_version_of(obj)
        held = self._held.get(key)
        if uid in self._removed or (held is not None and held.version >= version):
            return CacheDelta(key, ObjectChange.NOTHING)
        if obj["metadata"].get("deletionTimestamp") and not obj["metadata"].get("finalizers"):
            return self.remove(key, uid)
        try:
            parsed, fresh = self._read(uid, version, obj)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is about this object, and stops no other
            self._note_unreadable(key, obj, _reason(error))
            return CacheDelta(key, ObjectChange.NOTHING) if held is None else self._drop(key)
        if _CUT in fresh.data:
            self._note_unreadable(key, obj, f"a value of it is {WHY_LEFT_OUT}")
        else:
            self._unreadable.pop(key, None)
        self._hold(key, fresh)
        self._remember(key, version, parsed)
        if held is None or held.uid != uid:
            return CacheDelta(key, ObjectChange.ADDED, fresh.entries | (held.entries if held else frozenset()))
        change = ObjectChange.STATUS if held.intent == fresh.intent else ObjectChange.INTENT
        return CacheDelta(key, change, fresh.entries | held.entries)

    def remove(self, key: ObjectKey, uid: str) -> CacheDelta:
        """Remove the object of this uid, which does not exist any more, whatever older observations of it may still come."""
        self._removed[uid] = None
        if len(self._removed) > TOMBSTONES:
            self._removed.popitem(last=False)
        if (unreadable := self._unreadable.get(key)) is not None and unreadable.uid == uid:
            del self._unreadable[key]
        held = self._held.get(key)
        return self._drop(key) if held is not None and held.uid == uid else CacheDelta(key, ObjectChange.NOTHING)

    def prune(self, live: Mapping[ObjectKey, str], version: int, namespace: str = "") -> list[CacheDelta]:
        """Remove what a list as of ``version`` does not have: deletions that no watch has shown. ``live``: uids by key.

        Objects newer than the list stay, and so do those outside of the ``namespace`` that was listed, if it was one.
        """
        gone = [
            key
            for key, held in self._held.items()
            if held.version <= version and live.get(key) != held.uid and namespace in ("", key.namespace)
        ]
        return [self.remove(key, self._held[key].uid) for key in gone]

    def lacks(self, live: Mapping[ObjectKey, str]) -> bool:
        """Return True if the list has objects that were never seen here."""
        return any(
            key not in self._held and key not in self._unreadable and uid not in self._removed
            for key, uid in live.items()
        )

    def _read(self, uid: str, version: int, obj: JsonObject) -> tuple[M, _Held]:
        """Parse the object. What its status holds is never needed, so that one which cannot be read is none."""
        try:
            parsed = self._parse(obj)
        except (ValueError, RecursionError):
            obj = {name: value for name, value in obj.items() if name != "status"}
            parsed = self._parse(obj)
        return parsed, _held(uid, version, obj, self._entries(parsed), self._annotations)

    def _note_unreadable(self, key: ObjectKey, obj: JsonObject, reason: str) -> None:
        unreadable = _Unreadable(obj["metadata"]["uid"], reason)
        if self._unreadable.get(key) != unreadable:
            self._unreadable[key] = unreadable
            self._on_unreadable(obj, reason)

    def _hold(self, key: ObjectKey, held: _Held) -> None:
        before = self._held.get(key)
        if before is not None and before.entries != held.entries:
            self._unindex(key, before.entries)
        self._held[key] = held
        for entry in held.entries:
            self._index[entry].add(key)

    def _drop(self, key: ObjectKey) -> CacheDelta:
        entries = self._held.pop(key).entries
        self._unindex(key, entries)
        self._parsed.pop(key, None)
        return CacheDelta(key, ObjectChange.REMOVED, entries)

    def _unindex(self, key: ObjectKey, entries: Iterable[tuple[str, Hashable]]) -> None:
        for entry in entries:
            keys = self._index[entry]
            keys.discard(key)
            if not keys:
                del self._index[entry]

    def _entries(self, parsed: M) -> frozenset[tuple[str, Hashable]]:
        return frozenset((name, value) for name, values in self._indexes.items() for value in values(parsed))

    def _remember(self, key: ObjectKey, version: int, parsed: M) -> M:
        self._parsed[key] = (version, parsed)
        self._parsed.move_to_end(key)
        if len(self._parsed) > PARSED_OBJECTS:
            self._parsed.popitem(last=False)
        return parsed


def _held(uid: str, version: int, obj: JsonObject, entries: frozenset[tuple[str, Hashable]], prefix: str) -> _Held:
    metadata = {name: value for name, value in obj["metadata"].items() if name not in _NOT_KEPT}
    if metadata.get("annotations"):
        metadata["annotations"] = {
            name: text for name, text in metadata["annotations"].items() if name.startswith(prefix)
        }
    data = json.dumps({**obj, "metadata": metadata}, separators=(",", ":")).encode()
    intent = {name: value for name, value in metadata.items() if name != "resourceVersion"}
    rest = {name: value for name, value in obj.items() if name not in ("metadata", "status")}
    return _Held(uid, version, hash(json.dumps([intent, rest], sort_keys=True)), entries, data)


def _reason(error: Exception) -> str:
    """Return what cannot be read, without the value: it may be long, or secret."""
    if not isinstance(error, ValidationError):
        return str(error) or type(error).__name__
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
