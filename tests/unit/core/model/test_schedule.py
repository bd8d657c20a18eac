"""The orders in which keys wait, against models of a few lines."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ses_operator.runtime.key_order import DelayedKeys, ReadyKeys, Urgency

KEYS = st.sampled_from("abcdef")
URGENCIES = st.sampled_from(Urgency)


class ReadyKeysMachine(RuleBasedStateMachine):
    """A list of (key, urgency, order of arrival) is the model."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: ReadyKeys[str] = ReadyKeys()
        self.model: dict[str, tuple[Urgency, float]] = {}
        self.moved: dict[str, float] = {}
        self.now = 0.0

    @rule(key=KEYS, urgency=URGENCIES)
    def put(self, key: str, urgency: Urgency) -> None:
        self.now += 1
        assert self.ready.put(key, urgency, self.now) == (key not in self.model)
        known = self.model.get(key)
        if known is None or urgency < known[0]:
            self.model[key] = (urgency, known[1] if known else self.now)
            self.moved[key] = self.now

    @rule(least=URGENCIES)
    def take(self, least: Urgency) -> None:
        fits = [(urgency, self.moved[key], key) for key, (urgency, _) in self.model.items() if urgency <= least]
        taken = self.ready.take(least)
        if not fits:
            assert taken is None
            return
        urgency, _, key = min(fits)
        assert taken is not None
        assert (taken.key, taken.urgency, taken.since) == (key, urgency, self.model.pop(key)[1])

    @invariant()
    def holds_each_key_once(self) -> None:
        assert len(self.ready) == len(self.model)


class DelayedKeysMachine(RuleBasedStateMachine):
    """A dict of key to time is the model."""

    def __init__(self) -> None:
        super().__init__()
        self.delayed: DelayedKeys[str] = DelayedKeys()
        self.model: dict[str, float] = {}
        self.now = 0.0

    @rule(key=KEYS, delay=st.integers(1, 100))
    def put(self, key: str, delay: int) -> None:
        at = self.now + delay
        self.delayed.put(key, at, Urgency.LOW)
        self.model[key] = min(at, self.model.get(key, at))

    @rule(key=KEYS)
    def discard(self, key: str) -> None:
        self.delayed.discard(key)
        self.model.pop(key, None)

    @rule(seconds=st.integers(0, 60))
    def let_time_pass(self, seconds: int) -> None:
        self.now += seconds
        due = {key for key, at in self.model.items() if at <= self.now}
        taken = [key for key, _ in self.delayed.take_due(self.now)]
        assert [self.model[key] for key in taken] == sorted(self.model[key] for key in due)
        assert set(taken) == due
        for key in due:
            del self.model[key]

    @invariant()
    def knows_when_the_next_is_due(self) -> None:
        assert self.delayed.next_due() == min(self.model.values(), default=None)
        assert len(self.delayed) == len(self.model)


TestReadyKeys = ReadyKeysMachine.TestCase
TestDelayedKeys = DelayedKeysMachine.TestCase
TestReadyKeys.settings = TestDelayedKeys.settings = settings(max_examples=40)  # of 50 steps each, with six keys


def test_replaced_times_do_not_pile_up_in_the_heap() -> None:
    delayed: DelayedKeys[str] = DelayedKeys()
    for day in range(10_000):
        delayed.discard("a")
        delayed.put("a", day * 86_400.0, Urgency.LOW)
    assert len(delayed._heap) < 100
