import subprocess
import sys

import zfnet.model


def test_every_name_is_there():
    assert sorted(zfnet.model.__all__) == list(zfnet.model.__all__)
    assert {name for name in zfnet.model.__all__ if not hasattr(zfnet.model, name)} == set()
    assert set(zfnet.model.__all__) <= set(dir(zfnet.model))


def test_the_table_of_architectures_does_not_wait_for_tensorflow():
    code = "import sys; from zfnet.model.net.architecture import ARCHITECTURES; print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
