"""Runs a program on a terminal of its own, and does what it is told, line by line on standard input.

    until TEXT     waits until the program has written TEXT, behind what was awaited before
    type KEYS      types them; \\x03 is Ctrl-C, \\x04 is Ctrl-D, \\n is Enter
    signal NAME    to the program alone
    hang up        the terminal goes away
    end            waits for the program's end: its exit code, or the negated number of the signal that ended it

Each line is answered by one: `ok` and what was asked for, or `failed`; behind it, what the program has written so far.
"""

import os
import pty
import select
import signal
import sys
import time

PATIENCE_S = 10


class Terminal:
    def __init__(self, program):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(program[0], program)
        self.written = ""
        self.seen = 0

    def read(self, wait_s):
        """False when the program has closed its side."""
        if self.fd is None or not select.select([self.fd], [], [], wait_s)[0]:
            return self.fd is not None
        try:
            self.written += os.read(self.fd, 4096).decode(errors="replace")
            return True
        except OSError:
            os.close(self.fd)
            self.fd = None
            return False

    def until(self, text):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            at = self.written.find(text, self.seen)
            if at >= 0:
                self.seen = at + len(text)
                return "ok"
            if time.monotonic() > deadline or not self.read(0.1):
                return "failed"

    def end(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                while self.fd is not None and select.select([self.fd], [], [], 0)[0]:
                    self.read(0)
                return f"ok {os.waitstatus_to_exitcode(status)}"
        os.kill(self.pid, signal.SIGKILL)
        return "failed"

    def do(self, line):
        verb, _, rest = line.partition(" ")
        if verb == "until":
            return self.until(rest)
        if verb == "type":
            os.write(self.fd, rest.encode().decode("unicode_escape").encode())
        elif verb == "signal":
            os.kill(self.pid, getattr(signal, "SIG" + rest))
        elif verb == "hang":
            os.close(self.fd)
            self.fd = None
        elif verb == "end":
            return self.end()
        return "ok"


terminal = Terminal(sys.argv[1:])
for line in sys.stdin:
    print(terminal.do(line.rstrip("\n")), ascii(terminal.written), flush=True)
