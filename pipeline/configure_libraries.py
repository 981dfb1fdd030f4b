"""What libraries read from the environment when they are imported, the same wherever a step runs."""

import os


def configure_libraries() -> None:
    """Sets the variables that the user has not set. To be called before TensorFlow or etils.epath's back ends are imported."""
    # TensorFlow uses these kernels by itself on some of Intel's processors only; on AMD's a training step is much faster with them.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Paths in Cloud Storage by gcsfs rather than by TensorFlow, which takes seconds to import and knows no stand-in for the cloud.
    os.environ.setdefault("EPATH_USE_TF", "false")
    # Workers write by other clients, so what was listed a minute ago may no longer be so.
    os.environ.setdefault("FSSPEC_GCS", '{"use_listings_cache": false}')
