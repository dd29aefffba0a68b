from __future__ import annotations

import subprocess
import sys


def test_preparing_data_needs_no_torch() -> None:
    code = "import sys, rnnexp.data.prepare, rnnexp.tasks.baselines; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
