import io
import re
import struct
import subprocess
import sys
import time
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from zfnet.components.inputs import photograph
from zfnet.components.inputs.photograph import UnreadablePhotograph, check_encoded_size, prepare_photograph


def encode(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(mode: str, height: int = 60, width: int = 80) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3)).astype(np.uint8)).convert(mode)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, extra: bytes = b"") -> bytes:
    """A PNG file that says it has this size, and has next to no pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def gif(width: int, height: int, frame_width: int, frame_height: int) -> bytes:
    """A GIF file whose one frame has another size than its canvas."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, frame_width, frame_height, 0) + b"\x02\x02\x44\x01\0;"


def run_length_bmp(width: int, height: int) -> bytes:
    """A BMP file whose every four bytes skip 255 rows."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + head + bytes(1024) + b"\0\2\xff\xff" * 1000


def tiff(*tags: tuple[int, int, int, int], content: bytes = b"\x80\0\0\0" * 50) -> bytes:
    fields = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + fields + bytes(4)).ljust(400, b"\0") + content


GREY_TIFF = ((256, 4, 1, 10), (257, 4, 1, 10), (258, 3, 1, 8), (259, 3, 1, 5), (262, 3, 1, 1), (277, 3, 1, 1))
TOO_LARGE = "more than 89478485 pixels, or more than 65535 along a side"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"this is a text", "none of JPEG, PNG, GIF, WEBP, BMP, TIFF, PPM, JPEG2000"),
        (bytes(range(256)) * 9, "none of JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "none of JPEG"),
        (png(30_000, 30_000), TOO_LARGE),
        (png(12_000, 10_000), TOO_LARGE),
        (png(1, 65_536), TOO_LARGE),
        (png(65_536, 1), TOO_LARGE),
        (gif(65_535, 65_535, 10, 10), TOO_LARGE),
        (gif(10, 10, 65_535, 65_535), TOO_LARGE),
        (gif(10, 10, 12_000, 10_000), TOO_LARGE),
        (run_length_bmp(4_000_000, 20), TOO_LARGE),
        (png(20, 10, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8)))), "too large"),
        (png(20, 10, chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(10**8)))), "too large"),
        (png(20, 10, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8)))), "too large"),
        (png(20, 10, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**6))) * 100), "Too much memory"),
        (tiff(*GREY_TIFF, (322, 4, 1, 60_000), (323, 4, 1, 60_000), (324, 4, 1, 400), (325, 4, 1, 100)), "decoder error"),
        (tiff(*GREY_TIFF, (273, 4, 1, 400), (278, 4, 1, 2**31 - 1), (279, 4, 1, 2**32 - 1), (700, 1, 2**32 - 1, 8)), "decoder error"),
        (tiff(*GREY_TIFF[2:], (256, 4, 1, 2**32 - 1), (257, 4, 1, 2**32 - 1), (273, 4, 1, 400), (279, 4, 1, 9)), TOO_LARGE),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:4]),
)
@pytest.mark.parametrize("action", ["error", "always", "ignore"])
def test_what_is_not_decoded_says_why(content, reason, action):
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("ignore")
        warnings.simplefilter(action, Image.DecompressionBombWarning)
        start = time.perf_counter()
        with pytest.raises(UnreadablePhotograph, match=re.escape(reason)) as caught:
            prepare_photograph(content, 40)
    assert time.perf_counter() - start < 2
    assert reason != TOO_LARGE or str(caught.value) == TOO_LARGE


def test_the_largest_sides_are_read():
    for size in [(1, 65_535), (65_535, 1)]:
        assert decode_side(prepare_photograph(encode(Image.new("RGB", size, "red")), 16)[0]) == 16


def decode_side(jpeg: bytes) -> int:
    with Image.open(io.BytesIO(jpeg)) as image:
        image.load()
        assert image.width == image.height
        return image.width


def test_a_file_is_refused_by_its_size_before_it_is_read(monkeypatch):
    check_encoded_size(1)
    check_encoded_size(256 << 20)
    with pytest.raises(UnreadablePhotograph, match="more than 268435456 bytes"):
        check_encoded_size((256 << 20) + 1)
    with pytest.raises(UnreadablePhotograph, match="empty"):
        check_encoded_size(0)
    monkeypatch.setattr(photograph, "MAX_ENCODED_BYTES", 1000)
    with pytest.raises(UnreadablePhotograph, match="more than 1000 bytes"):
        prepare_photograph(encode(noise("RGB")), 40)


def test_a_progressive_jpeg_of_endless_scans_is_refused():
    whole = encode(Image.new("L", (4000, 3000), 77), "JPEG", progressive=True)
    last_scan = whole[whole.rindex(b"\xff\xda") : -2]
    prepare_photograph(whole[:-2] + 10 * last_scan + b"\xff\xd9", 40)
    start = time.perf_counter()
    with pytest.raises(UnreadablePhotograph, match="too many scans"):
        prepare_photograph(whole[:-2] + 2000 * last_scan + b"\xff\xd9", 40)
    assert time.perf_counter() - start < 1


def test_what_a_camera_hangs_on_is_not_taken_for_scans():
    film = b"\xff\xda" * 2000
    assert decode_side(prepare_photograph(encode(Image.new("L", (4000, 3000), 77), "JPEG") + film, 40)[0]) == 40


KINDS = {
    "JPEG": encode(noise("RGB"), "JPEG"),
    "JPEG decoded at an eighth": encode(noise("RGB", 600, 800), "JPEG"),
    "progressive JPEG": encode(noise("RGB"), "JPEG", progressive=True),
    "CMYK JPEG": encode(noise("CMYK"), "JPEG"),
    "PNG": encode(noise("RGB")),
    "GIF": encode(noise("P"), "GIF"),
    "WebP": encode(noise("RGB"), "WEBP"),
    "lossless WebP": encode(noise("RGB"), "WEBP", lossless=True),
    "BMP": encode(noise("RGB"), "BMP"),
    "TIFF": encode(noise("RGB"), "TIFF"),
    "LZW TIFF": encode(noise("RGB"), "TIFF", compression="tiff_lzw"),
    "PPM": encode(noise("RGB"), "PPM"),
    "JPEG 2000": encode(noise("RGB"), "JPEG2000"),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # pytest overrules the filter of the module
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_ends_before_its_pixels_is_refused(kind, share):
    whole = KINDS[kind]
    assert decode_side(prepare_photograph(whole, 20)[0]) == 20
    with pytest.raises(UnreadablePhotograph):
        prepare_photograph(whole[: int(share * len(whole))], 20)


def test_half_photographs_must_not_pass_for_whole_ones(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(RuntimeError, match="LOAD_TRUNCATED_IMAGES"):
        prepare_photograph(KINDS["JPEG"], 20)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(f"cannot read {io.BytesIO()}"), "OSError: cannot read <_io.BytesIO object>"),
        (ValueError("of\ntwo lines\0and\ta \x1b[31mcolour\u2028"), "ValueError: of two lines?and a ?[31mcolour"),
        (SyntaxError("x" * 10_000), "SyntaxError: " + "x" * 187),
        (MemoryError(), "MemoryError"),
        (RecursionError("maximum recursion depth exceeded"), "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_reasons_are_one_short_line_that_is_always_the_same(monkeypatch, error, reason):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(UnreadablePhotograph) as caught:
        prepare_photograph(b"whatever", 20)
    assert str(caught.value) == reason


MEMORY = """
import io, re, resource
from PIL import Image
from zfnet.components.inputs.photograph import UnreadablePhotograph, prepare_photograph

def status(name):
    return int(re.search(name + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1]) << 10

file = io.BytesIO()
Image.new("RGBA", (4000, 4000), (1, 2, 3, 4)).save(file, "PNG", compress_level=1)
prepare_photograph(file.getvalue(), 256)
print((status("VmHWM") - before) / (4000 * 4000))
limit = status("VmSize") + (32 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    prepare_photograph(file.getvalue(), 256)
except UnreadablePhotograph as error:
    print(error)
small = io.BytesIO()
Image.new("RGB", (40, 30)).save(small, "PNG")
print(prepare_photograph(small.getvalue(), 8)[1])
""".replace("file = io", "before = status('VmRSS')\nfile = io", 1)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for the peak")
def test_a_transparent_giant_takes_little_more_than_its_own_pixels():
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True, timeout=60)
    bytes_a_pixel, reason, box = done.stdout.splitlines()
    assert float(bytes_a_pixel) < 8  # 4 for the pixels; converted in one piece they were 17
    assert reason == "MemoryError"  # and the neighbour is read nevertheless
    assert box == "(0, 5, 30, 35)"
