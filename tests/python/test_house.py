"""How far one tensor travels through the package on its way from a file to the page."""

from __future__ import annotations

import json
import subprocess
import sys

MOST = 45

SCRIPT = "import json; from tests.benchmarks.house import passed; print(json.dumps(list(passed())))"


def test_a_tensor_passes_few_modules_from_the_file_to_the_page() -> None:
    """In a process of its own: what other tests have imported and cached would not be called again."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    modules = json.loads(done.stdout)
    # The ends of the way, so that the hook is known to have seen all of it.
    assert {"dashboard.widget", "sources.safetensors.file", "analyzers.spectral", "dashboard.tables.scan"} <= {*modules}
    assert len(modules) <= MOST, modules
