# SPDX-License-Identifier: MIT
"""Runs the same command with and without memheat on a pseudo terminal, and compares what
came out of the terminal, what the command could see of its surroundings, and its end."""

import os
import pty
import select
import signal
import subprocess
import sys
import time

MEMHEAT = sys.argv[1]
RECORD = [MEMHEAT, "record", "-q", "-s", "refs", "-o", "t", "--"]

# What a program sees: terminal or not, its group in front, ignored and blocked signals.
LOOK = r"""
import os, sys
print([os.isatty(fd) for fd in (0, 1, 2)])
print(os.tcgetpgrp(0) == os.getpgrp())
for line in open("/proc/self/status"):
    if line.startswith(("SigBlk", "SigIgn", "SigCgt")):
        print(line.strip())
print(sorted(os.listdir("/proc/self/fd")) )
print(__import__("resource").getrlimit(7), os.nice(0), oct(os.umask(0)))
print(input())
"""

# Says when it is interrupted, and leaves at the third time.
STUBBORN = r"""
import os, signal, sys, time
seen = 0
def more(*_):
    global seen
    seen += 1
    os.write(1, b"interrupted %d\n" % seen)  # print() may be under way
signal.signal(signal.SIGINT, more)
print("ready", flush=True)
while seen < 3:
    time.sleep(0.02)
sys.exit(5)
"""


def but_echo(text):
    """The terminal echoes ^C whenever it likes: after the answer, or within it."""
    return text.replace("^C", "")


class Session:
    """A command as the leader of a session of its own, with the terminal."""

    def __init__(self, argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(argv[0], argv)
        self.text = ""

    def read_until(self, word, seconds=30):
        end = time.monotonic() + seconds
        while word not in but_echo(self.text):
            left = end - time.monotonic()
            if left <= 0:
                raise SystemExit(f"no {word!r} in {self.text!r}")
            if not select.select([self.fd], [], [], left)[0]:
                continue
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                break
            if not data:
                break
            self.text += data.decode()

    def type(self, text):
        os.write(self.fd, text.encode())

    def finish(self):
        self.read_until("\0", 60)  # never comes: to the end
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def same(what, plain, recorded):
    if plain != recorded:
        raise SystemExit(f"{what} differ:\n{plain!r}\n{recorded!r}")


def look(prefix):
    s = Session(prefix + [sys.executable, "-c", LOOK])
    s.type("typed\n")
    return s.finish(), s.text


def interrupt(prefix):
    s = Session(prefix + [sys.executable, "-c", STUBBORN])
    s.read_until("ready\r\n")
    for n in (1, 2, 3):
        s.type("\x03")
        s.read_until(f" {n}\r\n")
    return s.finish(), but_echo(s.text)


def die_of_interrupt(prefix):
    s = Session(prefix + ["sh", "-c", "echo ready; exec sleep 100"])
    s.read_until("ready\r\n")
    time.sleep(0.2)
    s.type("\x03")
    return s.finish(), but_echo(s.text)


def ignored(prefix):
    """As under nohup(1) and in the background of a shell: SIGINT is ignored."""
    out = subprocess.run(
        prefix + ["grep", "SigIgn", "/proc/self/status"],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        capture_output=True, text=True, check=True)
    return out.stdout, out.stderr


def forwarded(sig):
    """A signal that somebody sends to us alone is for the command."""
    p = subprocess.Popen(
        RECORD + ["sh", "-c", f"trap 'exit 9' {sig}; echo ready; while :; do sleep 0.05; done"],
        stdout=subprocess.PIPE, text=True)
    assert p.stdout.readline() == "ready\n"
    p.send_signal(sig)
    return p.wait(60)


def main():
    same("surroundings", look([]), look(RECORD))
    same("answers to Ctrl-C", interrupt([]), interrupt(RECORD))
    status, text = die_of_interrupt(RECORD)
    same("deaths", (130, die_of_interrupt([])[1]), (status, text))
    same("ignored signals", ignored([]), ignored(RECORD))
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        same(f"ends by signal {sig}", 9, forwarded(sig))

    text = "".join(f"line {i}\n" for i in range(20000))
    out = subprocess.run(RECORD + ["cat"], input=text, capture_output=True, text=True)
    same("bytes through a pipe", (0, text, ""), (out.returncode, out.stdout, out.stderr))

    # The reader of its output may go away: that is the command's business.
    p = subprocess.Popen(RECORD + ["sh", "-c", "yes; echo $? >&2"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    p.stdout.readline()
    p.stdout.close()
    same("ends of a broken pipe", "141", p.stderr.read().split()[-1])


main()
