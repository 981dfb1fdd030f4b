import os
import signal
import threading
import time

import pytest

from zfnet.components.training.interruption import Interruption


def interrupt(number=signal.SIGINT):
    os.kill(os.getpid(), number)
    time.sleep(0.05)  # The handler runs between two instructions of Python.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_step_is_finished_first(number):
    with Interruption() as interruption:
        try:
            with interruption.deferred():
                interrupt(number)
                finished = True
        except KeyboardInterrupt:
            assert finished
        else:
            pytest.fail("was lost")


def test_a_second_one_is_not_put_off():
    with Interruption() as interruption:
        try:
            with interruption.deferred():
                interrupt()
                assert not interruption.aborted_mid_step
                interrupt()
                pytest.fail("was put off")
        except KeyboardInterrupt:
            assert interruption.aborted_mid_step


def test_between_steps_it_comes_at_once():
    with Interruption(), pytest.raises(KeyboardInterrupt):
        interrupt()


def test_one_is_answered_once():
    with Interruption() as interruption:
        with pytest.raises(KeyboardInterrupt), interruption.deferred():
            interrupt()
        with interruption.deferred():
            pass


def test_an_error_in_a_step_is_not_replaced():
    def step(interruption):
        with interruption.deferred():
            interrupt()
            raise OSError("full")

    with Interruption() as interruption, pytest.raises(OSError, match="full"):
        step(interruption)


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    with Interruption():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_nothing_is_held_back():
    ran = []

    def work():
        with Interruption() as interruption, interruption.deferred():
            ran.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran
