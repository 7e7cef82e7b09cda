"""What an installation does not use, it does not carry."""

import subprocess
import sys

from tests.patience import PATIENCE_SECONDS


def test_without_a_key_claudes_sdk_is_not_loaded() -> None:
    """It takes 40 MB and more than a second of the start."""
    program = "import sys, bot.__main__; sys.exit('anthropic' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", program], timeout=PATIENCE_SECONDS, check=False)

    assert ran.returncode == 0
