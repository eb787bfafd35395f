#!/usr/bin/env bash
# Checks the double itself: that it answers as a server does, and that its faults
# are the faults it says.
set -euo pipefail
. "$(dirname "$0")/state.sh"

python_packages "$here/requirements.txt" qdrant
"$python" "$here/test_double.py"
"$python" "$here/test_faults.py"
