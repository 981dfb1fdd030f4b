import importlib.metadata
import platform

from zfnet.pipeline.library_versions import library_versions


def test_versions_are_those_installed():
    versions = library_versions()
    assert list(versions) == ["python", "zfnet", "tensorflow", "keras", "apache-beam", "tensorflow-datasets"]
    assert versions["python"] == platform.python_version()
    assert versions["keras"] == importlib.metadata.version("keras")
