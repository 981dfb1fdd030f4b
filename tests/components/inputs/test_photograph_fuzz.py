import io
import os
import pathlib
import random
import resource
import signal
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from zfnet.components.inputs.photograph import UnreadablePhotograph, prepare_photograph

SIDE = 24
MEMORY = 2 << 30  # that one file may take, in address space: Pillow reserves far more than it uses
SECONDS = 20  # that one file may take before it counts as hanging


def files() -> dict[str, bytes]:
    """Real photographs, small, in every format and mode that a decoder treats by itself."""
    from skimage import data

    photographs = [Image.fromarray(pixels) for pixels in (data.astronaut(), data.chelsea(), data.coffee())]
    small = [image.resize(size, Image.Resampling.LANCZOS) for image, size in zip(photographs, [(67, 45), (41, 70), (90, 52)], strict=True)]
    clear = small[0].copy()
    clear.putalpha(small[0].convert("L"))
    fine = Image.fromarray(np.asarray(small[1].convert("L")).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a photograph"
    others = [image.resize((67, 45)) for image in small[1:]]
    wanted = [
        (small[0], "JPEG", {"exif": exif, "comment": b"a photograph"}),
        (photographs[1].resize((300, 220)), "JPEG", {"quality": 60}),
        (small[1], "JPEG", {"progressive": True, "icc_profile": bytes(300)}),
        (small[1].convert("L"), "JPEG", {}),
        (small[2].convert("CMYK"), "JPEG", {}),
        (small[0], "MPO", {"append_images": others}),
        (small[0], "PNG", {"exif": exif}),
        (clear, "PNG", {}),
        (fine, "PNG", {}),
        (small[2].convert("P"), "PNG", {"transparency": bytes(range(0, 250, 5))}),
        (small[0], "PNG", {"append_images": others}),
        (small[1].convert("P"), "GIF", {}),
        (small[0], "GIF", {"append_images": others}),
        (small[0], "WEBP", {"exif": exif}),
        (clear, "WEBP", {"lossless": True}),
        (small[0], "WEBP", {"append_images": others}),
        (small[0], "BMP", {}),
        (small[1].convert("P"), "BMP", {}),
        (small[0], "TIFF", {"exif": exif}),
        (small[0], "TIFF", {"compression": "tiff_lzw", "append_images": others}),
        (small[1], "TIFF", {"compression": "tiff_adobe_deflate"}),
        (small[1], "TIFF", {"compression": "jpeg"}),
        (small[2].convert("1"), "TIFF", {"compression": "group4"}),
        (small[2].convert("CMYK"), "TIFF", {"compression": "packbits"}),
        (fine, "TIFF", {}),
        (small[0], "PPM", {}),
        (small[0], "JPEG2000", {}),
        (clear, "JPEG2000", {"tile_size": (32, 32)}),
    ]
    encoded = {}
    for number, (image, kind, options) in enumerate(wanted):
        if "append_images" in options:  # copies, since Pillow leaves an encoder's settings in what it saved
            options = {**options, "save_all": True, "append_images": [other.copy() for other in others]}
        file = io.BytesIO()
        image.copy().save(file, kind, **options)
        encoded[f"{number} {kind}"] = file.getvalue()
    return encoded


def mutate(sources: list[bytes], seed: int) -> bytes:
    """One of the files, damaged in one to four ways; the same for the same seed."""
    draw = random.Random(seed)
    content = bytearray(draw.choice(sources))
    for _ in range(draw.choice((1, 1, 2, 4))):
        if not content:
            break
        # Half of all damage is done to the first bytes, where formats keep what they promise of the rest. Mostly the very first are
        # keep_epochs: files whose format cannot be told try nothing.
        end = len(content) if draw.random() < 0.5 else min(len(content), 120)
        start = min(end - 1, draw.choice((0, 4, 12, 12, 12, 12)))
        place, length = draw.randrange(start, end), draw.randint(1, draw.choice((1, 4, 40, 2000)))
        way = draw.randrange(9)
        if way == 0:
            for _ in range(draw.choice((1, 3, 30))):
                content[draw.randrange(start, end)] ^= 1 << draw.randrange(8)
        elif way == 1:
            content[place] = draw.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))
        elif way == 2:  # a number, in either order
            number = draw.choice((0, 1, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1, draw.getrandbits(draw.choice((8, 16, 32)))))
            size = draw.choice((2, 4))
            content[place : place + size] = (number % 256**size).to_bytes(size, draw.choice(("little", "big")))
        elif way == 3:
            del content[draw.randrange(start, len(content)) :]
        elif way == 4:
            del content[place : place + length]
        elif way == 5:
            content[place:place] = draw.choice((draw.randbytes(length), bytes(length), content[place : place + length]))
        elif way == 6:
            other = draw.choice(sources)
            content[place:] = other[draw.randrange(len(other)) :]
        elif way == 7:
            elsewhere = draw.randrange(len(content))
            block = content[elsewhere : elsewhere + length]
            content[place : place + len(block)] = block
        else:
            block = max(1, len(content) // draw.randint(2, 20))
            blocks = [content[start : start + block] for start in range(start, len(content), block)]
            draw.shuffle(blocks)
            content[start:] = bytearray().join(blocks)
    return with_checksums(content) if draw.random() < 0.8 else bytes(content)


def with_checksums(content: bytearray) -> bytes:
    """The same with valid checksums, if it is a PNG: else no damage would come further than them."""
    place = 8
    while content.startswith(b"\x89PNG") and place + 8 < len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        content[end : end + 4] = zlib.crc32(content[place + 4 : end]).to_bytes(4, "big") if end < len(content) else b""
        place = end + 4
    return bytes(content)


def outcome(content: bytes) -> str:
    """What became of the bytes; anything but "read" and "refused" says what is wrong."""
    try:
        jpeg, (top, left, bottom, right) = prepare_photograph(content, SIDE)
    except UnreadablePhotograph as error:
        reason = str(error)
        clean = reason.isprintable() and 0 < len(reason) <= 200 and reason == reason.strip() and "0x" not in reason
        return "refused" if clean else f"an unclean reason: {reason!r}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    with Image.open(io.BytesIO(jpeg)) as image:
        image.load()
        if (image.format, image.mode, image.size) != ("JPEG", "RGB", (SIDE, SIDE)):
            return f"{image.format} {image.mode} {image.size}"
    return "read" if 0 <= top < bottom and 0 <= left < right and bottom - top == right - left else f"box {top, left, bottom, right}"


def fuzz(directory: str, first: int, last: int) -> None:
    """Tries the seeds of a range, leaving behind which one it is at, and what was wrong."""
    sources = [file.read_bytes() for file in sorted(pathlib.Path(directory).glob("*.photograph"))]
    used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends even what hangs inside a decoder
    counts: dict[str, int] = {}
    seed_file = os.open(f"{directory}/seed", os.O_WRONLY | os.O_CREAT)
    for seed in range(first, last):
        os.pwrite(seed_file, b"%012d" % seed, 0)
        content = mutate(sources, seed)
        signal.alarm(SECONDS)
        start = time.perf_counter()
        found = outcome(content)
        signal.alarm(0)
        if time.perf_counter() - start > SECONDS / 4:
            print(f"seed {seed}: {time.perf_counter() - start:.1f} seconds", flush=True)
        if found not in ("read", "refused"):
            print(f"seed {seed}: {found}", flush=True)
        counts[found] = counts.get(found, 0) + 1
    peak = next(line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(f"read {counts.get('read', 0)} refused {counts.get('refused', 0)} {peak}")


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
@pytest.mark.parametrize(("first", "last"), [(0, 3000), pytest.param(3000, 103_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_damaged_files_are_read_or_refused(tmp_path, first, last):
    for name, content in files().items():
        (tmp_path / f"{name}.photograph").write_bytes(content)
    command = [sys.executable, __file__, str(tmp_path), str(first), str(last)]
    with (tmp_path / "out").open("w") as out, (tmp_path / "decoders").open("w") as errors:  # libtiff writes there of all that is odd
        status = subprocess.run(command, stdout=out, stderr=errors, check=False).returncode
    said = (tmp_path / "out").read_text()
    assert status == 0, (
        f"seed {(tmp_path / 'seed').read_text()} ended the process with {status}: {(tmp_path / 'decoders').read_text()[-500:]}"
    )
    assert "seed" not in said, said
    read, refused = (int(word) for word in said.split()[1:4:2])
    assert read + refused == last - first
    assert min(read, refused) > (last - first) / 10  # damage that nothing, or everything, survives would try little


def test_files_are_read_before_they_are_damaged():
    for name, content in files().items():
        assert outcome(content) == "read", name


def test_the_same_seed_damages_alike():
    sources = list(files().values())
    assert mutate(sources, 5) == mutate(sources, 5) != mutate(sources, 6)


if __name__ == "__main__":
    fuzz(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
