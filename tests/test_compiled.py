"""What `make compiled` compiles stays compilable: mypyc takes the modules, as far as the C that it makes of them.

mypyc refuses some of what Python allows (deleting an attribute of a class of its own, one of another type than in the
base, a class below `if TYPE_CHECKING`), and mypy says nothing of it. No C compiler is needed here, and nothing is kept;
`make test-compiled` runs the tests on the result.
"""

import subprocess
import sys
from pathlib import Path

import hatch_build

FRONT = """
import sys
from mypyc.build import mypyc_build
from mypyc.options import CompilerOptions

mypyc_build(sys.argv[2:], CompilerOptions(target_dir=sys.argv[1]), always_use_shared_lib=True)
"""


def test_mypyc_takes_every_module_of_the_hot_path(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FRONT, str(tmp_path), *hatch_build.MYPY, *hatch_build.hot_sources()]
    made = subprocess.run(command, cwd=hatch_build.ROOT, capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stdout + made.stderr
    assert [path.name for path in tmp_path.glob("__native_*.c")], made.stdout
