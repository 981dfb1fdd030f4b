"""How this program was called, so that what it prints can be pasted."""

import pathlib
import shutil
import sys


def called_as() -> str:
    """`zfnet` where a shell finds it under that name, else its path as it was called."""
    found, program = shutil.which("zfnet"), pathlib.Path(sys.argv[0])
    return str(program) if program.name == "zfnet" and (found is None or not program.samefile(found)) else "zfnet"
