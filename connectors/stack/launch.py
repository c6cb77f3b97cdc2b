"""Becomes another program that cannot outlive the one that started it. Run as a script, by process.py.

    python -I -S launch.py <parent pid> <death signal> <uid or -> <gid or -> <program> <argument>...

The death signal is asked for here rather than in a hook between fork and exec, which is not safe in a program
with threads. Rule: only the standard library, and only what starts in milliseconds.
"""

import os
import sys
from typing import Any

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parent, signal, uid, gid, *command = arguments
    # Loaded first: the other user may not be able to enter the folder that Python lies in.
    libc = _libc()
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if libc is not None:
        # After setuid, which clears it; kept by exec.
        libc.prctl(PR_SET_PDEATHSIG, int(signal), 0, 0, 0)
    if os.getppid() != int(parent):  # it died before the signal was asked for
        sys.exit(1)
    os.execv(command[0], command)


def _libc() -> Any:
    if sys.platform != "linux":
        return None
    import ctypes

    return ctypes.CDLL(None)


if __name__ == "__main__":
    main(sys.argv[1:])
