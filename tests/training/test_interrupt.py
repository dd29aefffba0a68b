"""Signals are remembered, and looked at where stopping does no harm."""

from __future__ import annotations

import os
import signal

import pytest

from rnnexp.training.interrupt import Interrupt, Interrupted, stop_if_asked

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_handler_raises_nothing_by_itself(number: int) -> None:
    """It may run below C++ code, which ends the process when an exception comes out of Python."""
    with Interrupt() as interrupt, interrupt.scoring():
        os.kill(os.getpid(), number)
        assert sorted([2, 1], key=lambda value: value) == [1, 2]
        assert interrupt.pending() == number
        with pytest.raises(Interrupted) as caught:
            stop_if_asked()
    assert caught.value.number == number


def test_it_is_heard_only_while_there_is_nothing_to_save() -> None:
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        stop_if_asked()  # in the middle of training: the step is finished first
        with pytest.raises(Interrupted), interrupt.scoring():
            raise AssertionError("it came before the block")
        stop_if_asked()
    stop_if_asked()


def test_the_handlers_of_before_are_back_afterwards() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with Interrupt():
        assert all(signal.getsignal(number) not in before for number in SIGNALS)
    assert [signal.getsignal(number) for number in SIGNALS] == before
