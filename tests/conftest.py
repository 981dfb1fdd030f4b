"""What all tests share: TensorFlow as the commands set it up, and logical CPU devices that stand in for several GPUs."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def pytest_collection_finish(session):
    """Splits the CPU in two, after all imports and before TensorFlow is used, when it can't be done any more."""
    if tensorflow := sys.modules.get("tensorflow"):
        cpu = tensorflow.config.list_physical_devices("CPU")[0]
        tensorflow.config.set_logical_device_configuration(cpu, [tensorflow.config.LogicalDeviceConfiguration()] * 2)
