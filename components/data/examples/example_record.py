"""One example as the bytes of a `tf.train.Example`, by a message class of our own: importing TensorFlow's costs a worker half a gigabyte.

Ref. https://www.tensorflow.org/tutorials/load_data/tfrecord
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto


def encode_example(example: dict) -> bytes:
    """Serialises an example; equal examples give equal bytes.

    Args:
        example: `image` (bytes), `label` (int), `class_name` (text), `id` (text), `photograph` (text), `box` (four ints).

    Returns:
        The serialised `tf.train.Example`.
    """
    message = _Example()
    feature = message.features.feature
    feature["image"].bytes_list.value.append(example["image"])
    feature["label"].int64_list.value.append(example["label"])
    feature["class_name"].bytes_list.value.append(example["class_name"].encode())
    feature["id"].bytes_list.value.append(example["id"].encode())
    feature["photograph"].bytes_list.value.append(example["photograph"].encode())
    feature["box"].int64_list.value.extend(example["box"])
    return message.SerializeToString(deterministic=True)


def decode_example(serialized: bytes) -> dict:
    """The example that `encode_example` serialised; `box` as a list."""
    feature = _Example.FromString(serialized).features.feature
    return {
        "image": feature["image"].bytes_list.value[0],
        "label": feature["label"].int64_list.value[0],
        "class_name": feature["class_name"].bytes_list.value[0].decode(),
        "id": feature["id"].bytes_list.value[0].decode(),
        "photograph": feature["photograph"].bytes_list.value[0].decode(),
        "box": list(feature["box"].int64_list.value),
    }


def _example_class() -> Any:
    """The message class, in a pool of its own so that TensorFlow can be loaded beside it."""
    file = descriptor_pb2.FileDescriptorProto(name="zfnet/example.proto", package="zfnet", syntax="proto3")

    def add(messages: Any, name: str, *fields: tuple) -> Any:
        message = messages.add(name=name)
        for field, number, label, kind, type_name in fields:
            message.field.add(name=field, number=number, label=label, type=kind, type_name=type_name)
        return message

    one, many, nested = _FIELD.LABEL_OPTIONAL, _FIELD.LABEL_REPEATED, _FIELD.TYPE_MESSAGE
    add(file.message_type, "BytesList", ("value", 1, many, _FIELD.TYPE_BYTES, None))
    add(file.message_type, "Int64List", ("value", 1, many, _FIELD.TYPE_INT64, None))
    bytes_list, int64_list = ("bytes_list", 1, one, nested, ".zfnet.BytesList"), ("int64_list", 3, one, nested, ".zfnet.Int64List")
    feature = add(file.message_type, "Feature", bytes_list, int64_list)
    feature.oneof_decl.add(name="kind")
    for field in feature.field:
        field.oneof_index = 0
    features = add(file.message_type, "Features", ("feature", 1, many, nested, ".zfnet.Features.FeatureEntry"))
    key, value = ("key", 1, one, _FIELD.TYPE_STRING, None), ("value", 2, one, nested, ".zfnet.Feature")
    add(features.nested_type, "FeatureEntry", key, value).options.map_entry = True
    add(file.message_type, "Example", ("features", 1, one, nested, ".zfnet.Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("zfnet.Example"))


_Example = _example_class()
