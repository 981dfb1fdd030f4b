import contextlib
import json
import os
import pathlib
import re
import subprocess
import sysconfig
import time
import urllib.request

import tensorflow as tf

STEPS = 30


def write_pictures(directory: pathlib.Path) -> None:
    """Logs one picture of each of many steps."""
    with tf.summary.create_file_writer(str(directory)).as_default():
        for step in range(STEPS):
            tf.summary.image("conv1", tf.zeros((1, 4, 6, 3)), step=step)


@contextlib.contextmanager
def started(root: str, **environment: str):
    """The address of a TensorBoard that `zfnet tensorboard` started."""
    zfnet = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
    command = [zfnet, "tensorboard", "--root", root, "--", "--port", "0", "--host", "127.0.0.1", "--reload_interval", "1"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env={**os.environ, **environment}, **pipes) as process:
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


def steps_shown(tensorboard: str) -> list[int]:
    while not get(f"{tensorboard}data/plugin/images/tags"):
        time.sleep(0.1)
    pictures = get(f"{tensorboard}data/plugin/images/images?run=zfnet-small&tag=conv1&sample=0")
    return [picture["step"] for picture in pictures]


def test_all_steps_of_a_picture_are_shown(tmp_path):
    write_pictures(tmp_path / "tensorboard" / "zfnet-small")
    with started(str(tmp_path)) as tensorboard:
        assert get(f"{tensorboard}data/environment")["data_location"] == str(tmp_path / "tensorboard")
        assert steps_shown(tensorboard) == list(range(STEPS))


def test_logs_of_a_callback(tmp_path):
    write_pictures(tmp_path)
    with started(str(tmp_path)) as tensorboard:
        assert get(f"{tensorboard}data/environment")["data_location"] == str(tmp_path)


def test_remote_root(tmp_path, cloud_storage, open_bucket):
    write_pictures(tmp_path)
    [events] = tmp_path.iterdir()
    open_bucket().blob(f"root/tensorboard/zfnet-small/{events.name}").upload_from_string(events.read_bytes())
    with started("gs://photos/root", **cloud_storage) as tensorboard:
        assert steps_shown(tensorboard) == list(range(STEPS))
