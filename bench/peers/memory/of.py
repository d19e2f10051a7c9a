#!/usr/bin/env python3
"""Runs a command and prints one JSON object: its exit status and the most memory that it had at once, in bytes.

usage: of.py COMMAND [ARGUMENT...]

The kernel counts for a process what its parent had when it was started; so the parent is this small one, for both sides of
a comparison.
"""

import json
import os
import sys

NULL = os.open(os.devnull, os.O_RDWR)
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, NULL, 1)])
_, status, usage = os.wait4(pid, 0)
print(json.dumps({"status": os.waitstatus_to_exitcode(status), "peak_bytes": usage.ru_maxrss * 1024}))
