"""Every kind of message that the outbox can hold has a sender and a text, and no sender or text is left over."""

import pytest

from tests.house_rules.source import ROOT

NOT_YET = pytest.mark.skipif(
    not (ROOT / "exchange/work/texts.py").is_file() or not (ROOT / "exchange/work/senders.py").is_file(),
    reason="exchange/work/texts.py and exchange/work/senders.py are not there yet.",
)


@NOT_YET
def test_every_message_kind_has_a_text() -> None:
    from exchange.domain.events import MessageKind
    from exchange.work.texts import TEXTS

    assert set(TEXTS) == set(MessageKind)


@NOT_YET
def test_every_message_kind_has_a_sender() -> None:
    from exchange.domain.events import MessageKind
    from exchange.work.senders import SENDERS

    assert set(SENDERS) == set(MessageKind)
    assert [kind for kind, sender in SENDERS.items() if not callable(sender)] == []


def test_whoever_is_told_of_a_fact_is_told_by_a_message_kind() -> None:
    from exchange.domain.events import TOLD, EventKind, MessageKind

    told = {kind for messages in TOLD.values() for _, kind in messages}

    assert told <= set(MessageKind)
    assert set(TOLD) <= set(EventKind)
