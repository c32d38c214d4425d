"""Measurements of Holdfast beside its peers: `python -m bench`."""

import sys
from pathlib import Path

for _place in ("src", "tests"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / _place))
