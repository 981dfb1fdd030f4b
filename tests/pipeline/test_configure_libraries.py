import os

from zfnet.pipeline.configure_libraries import configure_libraries


def test_what_the_user_set_stays(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("EPATH_USE_TF", "")  # so that it is put back
    monkeypatch.delenv("EPATH_USE_TF")
    configure_libraries()
    assert (os.environ["TF_ENABLE_ONEDNN_OPTS"], os.environ["EPATH_USE_TF"]) == ("0", "false")
