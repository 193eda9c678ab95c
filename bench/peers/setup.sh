#!/bin/sh
# Makes bench/peers/venv with PyTorch for the comparisons: from packages that pip can find without the network where
# there are some, otherwise from PyTorch's own index. Does nothing where PyTorch is there already.
set -eu
cd "$(dirname "$0")"
works='import numpy, torch; print("PyTorch", torch.__version__)'
for python in "${PYTHON:-python3}" /usr/bin/python3; do
  if [ -x venv/bin/python ] && venv/bin/python -c "$works" 2>/dev/null; then exit 0; fi
  "$python" -m venv --system-site-packages --clear venv || continue
  { venv/bin/pip install --quiet --no-index --no-deps torch && venv/bin/python -c "$works"; } 2>/dev/null >&2 ||
    venv/bin/pip install --quiet torch numpy --index-url https://download.pytorch.org/whl/cpu \
      --extra-index-url https://pypi.org/simple || continue
done
venv/bin/python -c "$works"
