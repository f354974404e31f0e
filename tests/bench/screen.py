"""A terminal that looks at what a program draws: how long from its start until something stands on the screen.

Knows the few sequences that terminal interfaces draw with (ECMA-48), and no program.
"""
import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

ROWS, COLUMNS = 60, 160

# A sequence: CSI, OSC up to its end, a character set, or one with a single letter.
SEQUENCE = re.compile(r"\x1b(?:\[([?>=<]?)([0-9;:]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()*+][A-Za-z0-9]|[=>78cDEHMNOZ])")


class Screen:
    """The characters on it. Colours are left out."""

    def __init__(self):
        self.row, self.column, self.rest = 0, 0, ""
        self.clear()

    def clear(self):
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]

    def lines(self):
        return ["".join(row) for row in self.cells]

    def write(self, text):
        """Draws; returns what a terminal answers."""
        text, answer, at = self.rest + text, b"", 0
        self.rest = ""
        while at < len(text):
            letter = text[at]
            if letter == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    if len(text) - at < 4096:
                        self.rest = text[at:]
                        return answer
                    at += 1
                    continue
                answer += self.obey(*found.groups(default=""))
                at = found.end()
                continue
            at += 1
            if letter == "\r":
                self.column = 0
            elif letter == "\n":
                self.row = min(self.row + 1, ROWS - 1)
            elif letter == "\b":
                self.column = max(self.column - 1, 0)
            elif letter >= " ":
                if self.column >= COLUMNS:
                    self.row, self.column = min(self.row + 1, ROWS - 1), 0
                self.cells[self.row][self.column] = letter
                self.column += 1
        return answer

    def obey(self, mark, numbers, letter):
        if letter == "n" and numbers == "6":
            return f"\x1b[{self.row + 1};{self.column + 1}R".encode()
        if letter == "c" and not mark:
            return b"\x1b[?62;22c"
        if mark or not letter:
            return b""
        given = [int(number) if number.isdigit() else 0 for number in numbers.split(";")]
        first = max(given[0], 1)
        if letter in "Hf":
            column = given[1] if len(given) > 1 else 1
            self.row, self.column = min(first, ROWS) - 1, min(max(column, 1), COLUMNS) - 1
        elif letter == "d":
            self.row = min(first, ROWS) - 1
        elif letter == "G":
            self.column = min(first, COLUMNS) - 1
        elif letter == "A":
            self.row = max(self.row - first, 0)
        elif letter == "B":
            self.row = min(self.row + first, ROWS - 1)
        elif letter == "C":
            self.column = min(self.column + first, COLUMNS - 1)
        elif letter == "D":
            self.column = max(self.column - first, 0)
        elif letter == "J" and given[0] >= 2:
            self.clear()
        elif letter == "J":
            self.cells[self.row][self.column:] = [" "] * (COLUMNS - self.column)
            for row in range(self.row + 1, ROWS):
                self.cells[row] = [" "] * COLUMNS
        elif letter == "K":
            self.cells[self.row][self.column:] = [" "] * (COLUMNS - self.column)
        elif letter == "X":
            end = min(self.column + first, COLUMNS)
            self.cells[self.row][self.column:end] = [" "] * (end - self.column)
        return b""


def until(command, environment, patience, is_there):
    """Starts a program on a terminal of its own, and waits until `is_there(lines)`; then it is asked to leave.

    Returns the seconds up to there (None if it never was), what the process used up to its end (getrusage(2)), and what
    stood on the screen.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**environment, "TERM": "xterm-256color"}

    def session():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    begun = time.perf_counter()
    child = subprocess.Popen(
        command, env=environment, stdin=slave, stdout=slave, stderr=slave, preexec_fn=session
    )
    os.close(slave)
    screen, decoder, seen = Screen(), codecs.getincrementaldecoder("utf-8")("replace"), None

    def draw():
        try:
            data = os.read(master, 1 << 16)
        except OSError:
            return False
        answer = screen.write(decoder.decode(data))
        if answer:
            os.write(master, answer)
        return bool(data)

    def watch(end):
        while (left := end - time.perf_counter()) > 0:
            if not select.select([master], [], [], left)[0]:
                return
            if not draw():
                return
            yield

    for _ in watch(begun + patience):
        now = time.perf_counter()
        if is_there(screen.lines()):
            seen = now - begun
            break
    lines = screen.lines()
    # Ctrl-C, as somebody would type it; a program that does not heed it is ended.
    leave = time.perf_counter() + 10
    try:
        os.write(master, b"\x03")
    except OSError:
        pass
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if time.perf_counter() > leave:
            child.send_signal(signal.SIGKILL)
        if select.select([master], [], [], 0.01)[0]:
            draw()
    child.returncode = os.waitstatus_to_exitcode(status)
    os.close(master)
    return seen, usage, lines
