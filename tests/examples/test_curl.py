"""The same without Python: `curl.sh` is the example, and this runs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_same_with_curl_only() -> None:
    words = [sys.executable, "-m", "kbroker", "run", "--", "sh", str(HERE / "curl.sh")]
    done = subprocess.run(
        words, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "all seen\n", "")
