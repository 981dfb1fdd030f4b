"""`zfnet examples` on a folder with every kind of dirt in it."""

import io
import json
import os
import pathlib
import subprocess
import sysconfig
import zlib

import numpy as np
import pytest
from PIL import Image

from zfnet.components.artifacts import Examples
from zfnet.components.data.examples.shard import read_shard

ZFNET = pathlib.Path(sysconfig.get_path("scripts")) / "zfnet"
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8))


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    stored = io.BytesIO()
    picture.save(stored, kind, **options)
    return stored.getvalue()


def bomb() -> bytes:
    """A PNG of 60,000 x 60,000 black pixels in a few hundred bytes."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")

    size = (60_000).to_bytes(4, "big")
    header = chunk(b"IHDR", size + size + bytes([8, 2, 0, 0, 0]))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


GOOD = {
    "plain.jpg": saved(PICTURE, "JPEG"),
    "progressive.jpg": saved(PICTURE, "JPEG", progressive=True),
    "cmyk.jpg": saved(PICTURE.convert("CMYK"), "JPEG"),
    "really.a.png.JPEG": saved(PICTURE, "PNG"),
    "grey.jpg": saved(PICTURE.convert("L"), "JPEG"),
    "palette.gif": saved(PICTURE, "GIF"),
    "animated.gif": saved(PICTURE, "GIF", save_all=True, append_images=[PICTURE.rotate(180)]),
    "alpha.png": saved(PICTURE.convert("RGBA"), "PNG"),
    "sixteen bits.png": saved(Image.fromarray(np.full((60, 90), 40_000, np.uint16)), "PNG"),
    "modern.webp": saved(PICTURE, "WEBP"),
    "old.bmp": saved(PICTURE, "BMP"),
    "scanned.tiff": saved(PICTURE, "TIFF", compression="tiff_lzw"),
    "one pixel wide.png": saved(PICTURE.resize((1, 60)), "PNG"),
    "wide.png": saved(PICTURE.resize((20_000, 3)), "PNG"),
    "고양이.jpg": saved(PICTURE, "JPEG"),
    "two\nlines.jpg": saved(PICTURE, "JPEG"),
    "no extension": saved(PICTURE, "JPEG"),
}
BAD = {
    "empty.jpg": (b"", "the file is empty"),
    "half.jpg": (saved(PICTURE, "JPEG")[:1500], "truncated"),
    "half.png": (saved(PICTURE, "PNG")[:1500], "truncated"),
    "text.jpg": (b"<html>404 not found</html>", "none of JPEG, PNG"),
    "random.jpg": (np.random.default_rng(1).bytes(5000), "none of JPEG, PNG"),
    "bomb.png": (bomb(), "pixels"),
    "나쁜\n것.jpg": (b"?", "none of JPEG, PNG"),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, forked):
    root = tmp_path_factory.mktemp("dirt")
    dirty, clean = root / "photographs/dirty", root / "photographs/clean"
    dirty.mkdir(parents=True)
    clean.mkdir()
    for name, content in GOOD.items():
        (dirty / name).write_bytes(content)
        (clean / name).write_bytes(content)
    for name, (content, _) in BAD.items():
        (dirty / name).write_bytes(content)
    (dirty / "folder.jpg").mkdir()
    (dirty / "broken link.jpg").symlink_to("nowhere")
    (dirty / "circle.jpg").symlink_to("circle.jpg")
    (dirty / "unreadable.jpg").symlink_to("/proc/self/mem")
    os.mkfifo(dirty / "pipe.jpg")
    command = [ZFNET, "examples", root / "photographs", "--out", root / "prepared", "--image-size", "28"]
    strict = subprocess.run(forked(command), capture_output=True, text=True, timeout=120)
    done = subprocess.run(forked([*command, "--max-rejected", "0.4"]), capture_output=True, text=True, timeout=120)
    return root, strict, done


def test_too_much_of_it_fails_in_one_line_and_leaves_nothing(prepared):
    _, strict, _ = prepared
    assert strict.returncode == 1
    assert strict.stderr.startswith("Error: 12 of the 46 photographs of ")
    assert "more than the share 0.1 that --max-rejected allows" in strict.stderr
    assert strict.stderr.count("\n") == 1


def test_every_good_photograph_is_there_and_every_bad_one_listed(prepared):
    root, _, done = prepared
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 photographs can't be read, see " in done.stdout
    examples = Examples(root / "prepared")
    stored = {one["id"]: one for split in ("train", "validation") for path in examples.shards(split) for one in read_shard(path)}
    assert set(stored) == {f"{label}/{name}" for label in ("clean", "dirty") for name in GOOD}
    for name in GOOD:  # what lies beside it changes nothing
        assert stored[f"clean/{name}"]["image"] == stored[f"dirty/{name}"]["image"]
    rejected = [json.loads(line) for line in (examples.path / "rejected.jsonl").read_text().splitlines()]
    reasons = {entry["id"]: entry["reason"] for entry in rejected}
    assert all(entry["source"] == str(root / "photographs" / entry["id"]) for entry in rejected)
    expected = {f"dirty/{name}": reason for name, (_, reason) in BAD.items()}
    expected |= {"dirty/folder.jpg": "not a file", "dirty/pipe.jpg": "not a file", "dirty/unreadable.jpg": ""}
    expected |= {"dirty/broken link.jpg": "a link that leads nowhere", "dirty/circle.jpg": ""}
    assert reasons.keys() == expected.keys()
    for id, reason in expected.items():
        assert reason in reasons[id], id
        assert "\n" not in reasons[id]
