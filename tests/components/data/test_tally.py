import threading

from zfnet.components.data.tally import Tally


def test_nothing_is_lost_between_threads():
    tally = Tally()

    def count():
        for _ in range(20_000):
            tally.expect(2)
            tally.advance(1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tally.expected, tally.done) == (160_000, 80_000)
    tally.reset()
    assert (tally.expected, tally.done) == (0, 0)
