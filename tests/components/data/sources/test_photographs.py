import dataclasses
import hashlib
import io
import subprocess
import sys

import pytest
from PIL import Image

from zfnet.components.data.sources.photographs import PHOTOGRAPHS


@pytest.mark.parametrize("photograph", PHOTOGRAPHS, ids=lambda photograph: photograph.name)
def test_every_photograph_is_there(photograph):
    content = photograph.read()
    assert hashlib.sha256(content).hexdigest() == photograph.sha256
    with Image.open(io.BytesIO(content)) as image:
        assert min(image.size) > 170


def test_names_are_sorted_and_the_files_are_named_after_them():
    names = [photograph.name for photograph in PHOTOGRAPHS]
    assert names == sorted(set(names))
    assert len(names) == 15
    assert all(photograph.file.startswith(photograph.name) for photograph in PHOTOGRAPHS)


def test_another_file_is_an_error_that_says_which_version_has_the_right_one():
    other = dataclasses.replace(PHOTOGRAPHS[0], sha256="0" * 64)
    with pytest.raises(ValueError, match=r"astronaut.png has SHA-256 88431cd.*expected the file that scikit-image 0.26.0 ships"):
        other.read()


def test_a_missing_file_is_an_error_that_says_what_to_install():
    with pytest.raises(ValueError, match=r"none.png \(No such file or directory\).*Install scikit-learn 1.9.1 again"):
        dataclasses.replace(PHOTOGRAPHS[4], file="none.png").read()


def test_the_packages_are_not_imported():
    code = (
        "import sys; from zfnet.components.data.sources.photographs import PHOTOGRAPHS; [p.read() for p in PHOTOGRAPHS];"
        "print(sorted({'skimage', 'sklearn', 'numpy', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
