from zfnet.pipeline.aligned_table import aligned_table


def test_names_to_the_left_and_numbers_to_the_right():
    assert aligned_table([["error", "a", "long heading"], ["a long name", "1,000.0%", "-"]]) == [
        "error               a  long heading",
        "a long name  1,000.0%             -",
    ]
