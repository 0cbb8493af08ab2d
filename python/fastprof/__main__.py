"""``python -m fastprof``."""

import sys

from fastprof.launch import main

sys.exit(main())
