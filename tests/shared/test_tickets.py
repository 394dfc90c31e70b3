"""Tickets, which prove that whoever wrote one had the key."""

import time

import pytest

from src.shared.tickets import ticket_end, write_ticket

KEY = "k" * 40


def test_a_ticket_is_good_until_its_end_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.5)
    ticket = write_ticket(KEY, "this", 60)
    for now, end in ((1000.5, 1060), (1059.9, 1060), (1060.0, None), (9e9, None)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        assert ticket_end(KEY, "this", ticket) == end


def test_a_ticket_is_for_one_purpose_of_one_key() -> None:
    ticket = write_ticket(KEY, "this", 60)
    assert ticket_end(KEY, "this", ticket)
    assert ticket_end(KEY, "that", ticket) is None
    assert ticket_end("x" * 40, "this", ticket) is None
    assert write_ticket(KEY, "this", 60) != ticket, "no two are the same"


@pytest.mark.parametrize("text", ["", ".", "..", "x", "ü.ü.ü", "1e99.0.0"])
def test_no_other_text_is_a_ticket(text: str) -> None:
    assert ticket_end(KEY, "this", text) is None
