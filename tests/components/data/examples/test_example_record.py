import tensorflow as tf

from zfnet.components.data.examples.example_record import decode_example, encode_example

EXAMPLE = {
    "image": b"\xff\xd8\x00picture",
    "label": 3,
    "class_name": "개",
    "id": "개/1.jpg",
    "photograph": "개/1.jpg",
    "box": [0, 5, 100, 105],
}


def test_what_is_encoded_is_decoded():
    assert decode_example(encode_example(EXAMPLE)) == EXAMPLE


def test_zero_and_negative_numbers_survive():
    example = {**EXAMPLE, "label": -1, "box": [0, 0, 0, 0]}
    assert decode_example(encode_example(example)) == example


def test_tensorflow_reads_it():
    feature = tf.train.Example.FromString(encode_example(EXAMPLE)).features.feature
    assert feature["image"].bytes_list.value == [EXAMPLE["image"]]
    assert feature["label"].int64_list.value == [3]
    assert feature["id"].bytes_list.value == ["개/1.jpg".encode()]
    assert feature["box"].int64_list.value == [0, 5, 100, 105]


def test_what_tensorflow_writes_is_read():
    message = tf.train.Example()
    message.features.feature["box"].int64_list.value.extend([1, 2, 3, 4])
    message.features.feature["label"].int64_list.value.append(0)
    message.features.feature["weight"].float_list.value.append(0.5)
    for name in ("image", "class_name", "id", "photograph"):
        message.features.feature[name].bytes_list.value.append(name.encode())
    expected = {"image": b"image", "label": 0, "class_name": "class_name", "id": "id", "photograph": "photograph", "box": [1, 2, 3, 4]}
    assert decode_example(message.SerializeToString()) == expected


def test_equal_examples_give_equal_bytes():
    backwards = dict(reversed(EXAMPLE.items()))
    assert encode_example(backwards) == encode_example(EXAMPLE)
