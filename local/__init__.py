"""The stack without Docker: the real template.yaml, run on 127.0.0.1 by the protocols that AWS runs it by.

The shared layer is on the import path here as it is in a function, whichever way this package was started.
"""

import sys
from pathlib import Path

LAYER = str(Path(__file__).resolve().parent.parent / "layers" / "shared")
if LAYER not in sys.path:
    sys.path.insert(0, LAYER)
