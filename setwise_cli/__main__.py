"""python -m setwise_cli COMMAND: the same as setwise COMMAND."""

import sys

from setwise_cli import main

sys.exit(main())
