"""What one input pipeline of several takes of every batch."""

import tensorflow as tf


def own_share(numbered: tf.data.Dataset, batch_size: int, context: tf.distribute.InputContext) -> tf.data.Dataset:
    """Of numbered records those that belong to one input pipeline: of every batch, the pipelines take equal parts in their order.

    Args:
        numbered: data set of pairs, number and record.
        batch_size: records a batch, over all pipelines; divisible by their number.
        context: says which pipeline this is.

    Returns:
        Data set of the same pairs.
    """
    if context.num_input_pipelines == 1:
        return numbered
    share = batch_size // context.num_input_pipelines
    return numbered.filter(lambda number, _: number % batch_size // share == context.input_pipeline_id)
