from zfnet.pipeline.snake_case import snake_case


def test_words_are_told_apart_by_their_capitals():
    assert [snake_case(name) for name in ("ExampleGen", "Trainer")] == ["example_gen", "trainer"]
