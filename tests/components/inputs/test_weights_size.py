import h5py
import numpy as np
import pytest

from zfnet.components.inputs.weights_size import LARGEST, RATIO, SMALL, arrays_size, check_unpacked_size


@pytest.mark.parametrize(
    ("packed", "unpacked", "fine"),
    [
        (200_000, SMALL, True),
        (200_000, SMALL + 1, False),
        (600 << 20, 610 << 20, True),
        (10 << 20, RATIO * 10 << 20, True),
        (10 << 20, (RATIO * 10 << 20) + 1, False),
        (LARGEST, LARGEST, True),
        (LARGEST + 1, LARGEST + 1, False),
    ],
)
def test_limits(packed, unpacked, fine):
    if fine:
        check_unpacked_size("net.keras", packed, unpacked)
        return
    with pytest.raises(ValueError, match=rf"net.keras has {packed} bytes and holds {unpacked}\. Model files"):
        check_unpacked_size("net.keras", packed, unpacked)


def test_arrays_that_were_never_written_count(tmp_path):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.create_dataset("a/b", data=np.zeros((3, 5), "float32"))
        file.create_dataset("a/huge", (1 << 20, 1 << 20), "float16", chunks=(1024, 1024))
        assert arrays_size(file) == 60 + (2 << 40)
    assert (tmp_path / "weights.h5").stat().st_size < 1 << 16


def test_arrays_in_other_files_are_not_read(tmp_path):
    (tmp_path / "secret").write_bytes(b"secrets!")
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.create_dataset("kernel", (2,), "float32", external=[(str(tmp_path / "secret"), 0, 8)])
        with pytest.raises(ValueError, match="the array kernel is in another file, which is not read"):
            arrays_size(file)


def test_links_to_other_files_are_not_followed(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["kernel"] = [1.0, 2.0]
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["layer/kernel"] = h5py.ExternalLink("other.h5", "kernel")
        with pytest.raises(ValueError, match=r"layer/kernel is in another file, other\.h5, which is not read"):
            arrays_size(file)
