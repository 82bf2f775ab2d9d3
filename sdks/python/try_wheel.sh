#!/bin/sh
# Builds the wheel, and runs the suite with it installed in an environment of its own on each Python there is.
# Usage: try_wheel.sh PYTHON-THAT-BUILDS
set -eu
builder=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Built outside of the checkout, which stays as it is.
cp -r pyproject.toml README.md LICENSE src tests "$work/"
"$builder" -m pip wheel --quiet --no-deps --wheel-dir "$work/dist" "$work"
found=0
for version in 3.9 3.10 3.11 3.12 3.13 3.14; do
    python=$(ls -d "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python 2>/dev/null | tail -1)
    [ -n "$python" ] || python=$(command -v "python$version") || continue
    "$python" -m venv "$work/$version"
    "$work/$version/bin/python" -m pip install --quiet --disable-pip-version-check "$work"/dist/*.whl "pytest>=8.4,<10"
    (cd "$work" && env -u PYTHONPATH PYTHONDONTWRITEBYTECODE=1 "$work/$version/bin/python" -m pytest -q tests)
    echo "Python $version: passed with $("$work/$version/bin/python" -m pip list --format=freeze | grep -E '^(httpx|pydantic)==' | tr '\n' ' ')"
    found=$((found + 1))
done
# The oldest of each that the wheel says it needs, on the oldest Python that was found.
oldest=$(ls "$work" | grep -E '^3\.[0-9]+$' | sort -V | head -1)
"$work/$oldest/bin/python" -m pip install --quiet --disable-pip-version-check "httpx==0.26.0" "pydantic==2.7.0"
(cd "$work" && env -u PYTHONPATH PYTHONDONTWRITEBYTECODE=1 "$work/$oldest/bin/python" -m pytest -q tests)
echo "Python $oldest: passed with the oldest httpx and pydantic"
[ "$found" -gt 0 ]
