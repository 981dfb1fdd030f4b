import json
import pathlib
import re
import subprocess
import sysconfig
import time
import urllib.request

import pytest
import tensorflow as tf

STEPS = 30


def write_pictures(directory: pathlib.Path) -> None:
    """Logs one picture of each of many steps."""
    with tf.summary.create_file_writer(str(directory)).as_default():
        for step in range(STEPS):
            tf.summary.image("conv1", tf.zeros((1, 4, 6, 3)), step=step)


@pytest.fixture
def tensorboard(tmp_path):
    """The address of a TensorBoard that `zfnet tensorboard` started."""
    write_pictures(tmp_path / "tensorboard" / "zfnet-small")
    zfnet = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
    command = [zfnet, "tensorboard", "--root", tmp_path, "--", "--port", "0", "--host", "127.0.0.1", "--reload_interval", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        said = ""
        while not (address := re.search(r"http://127.0.0.1:\d+/", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        yield address[0]
        process.kill()


def get(address: str):
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.load(answer)


def test_all_steps_of_a_picture_are_shown(tensorboard, tmp_path):
    assert get(f"{tensorboard}data/environment")["data_location"] == str(tmp_path / "tensorboard")
    while not get(f"{tensorboard}data/plugin/images/tags"):
        time.sleep(0.1)
    pictures = get(f"{tensorboard}data/plugin/images/images?run=zfnet-small&tag=conv1&sample=0")
    assert [picture["step"] for picture in pictures] == list(range(STEPS))
