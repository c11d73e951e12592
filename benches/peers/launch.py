"""Runs one command and prints what it cost as JSON: wall and processor seconds, peak resident bytes, exit status.

`PYTHON -I -S launch.py COMMAND ...`; the command's standard output is thrown away unless LAUNCH_OUTPUT names a file. A process
of its own, because Linux counts the memory of the process that forks into the peak of the child: this one stays small.
"""

import json
import os
import subprocess
import sys
import time


def main():
    output = open(os.environ.get("LAUNCH_OUTPUT", os.devnull), "wb")
    start = time.perf_counter()
    child = subprocess.Popen(sys.argv[1:], stdout=output)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    cost = {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss * 1024, "status": status}
    print(json.dumps(cost))


main()
