"""Runs the real template.yaml on 127.0.0.1 without Docker, by the protocols that AWS uses.

Puts the shared layer on the import path, as it is in a function.
"""

import sys
from pathlib import Path

LAYER = str(Path(__file__).resolve().parent.parent / "layers" / "shared")
if LAYER not in sys.path:
    sys.path.insert(0, LAYER)
