import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from zfnet.model.ahead import map_ahead


@pytest.fixture
def pool():
    with ThreadPoolExecutor(3) as opened:
        yield opened


def test_results_are_in_order_though_threads_end_in_another(pool):
    later = threading.Event()

    def work(number):
        if number == 0:
            assert later.wait(10)
        if number == 2:
            later.set()
        return number**2

    assert list(map_ahead(pool, work, range(5), most=4)) == [0, 1, 4, 9, 16]


def test_items_are_taken_when_there_is_room(pool):
    taken = []

    def items():
        for number in range(50):
            taken.append(number)
            yield number

    results = map_ahead(pool, lambda number: number, items(), most=4)
    for used in range(10):
        assert next(results) == used
        assert len(taken) == used + 5


def test_error_is_raised_in_its_place_and_the_rest_is_given_up(pool):
    results = map_ahead(pool, lambda number: 1 // (number - 2), range(10), most=3)
    assert [next(results), next(results)] == [-1, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(results) == []
