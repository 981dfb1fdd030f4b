import importlib.metadata
import os
import platform

from zfnet.pipeline.libraries import configure_libraries, library_versions


def test_versions_are_those_installed():
    versions = library_versions()
    assert list(versions) == ["python", "zfnet", "tensorflow", "keras", "apache-beam", "tensorflow-datasets"]
    assert versions["python"] == platform.python_version()
    assert versions["keras"] == importlib.metadata.version("keras")


def test_what_the_user_set_stays(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("EPATH_USE_TF", "")  # so that it is put back
    monkeypatch.delenv("EPATH_USE_TF")
    configure_libraries()
    assert (os.environ["TF_ENABLE_ONEDNN_OPTS"], os.environ["EPATH_USE_TF"]) == ("0", "false")
