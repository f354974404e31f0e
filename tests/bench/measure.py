"""Runs commands in turns: how long each takes from its start to its end, on how much of the processors, and its peak of
memory.

Knows no image and no row of a table.
"""
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time


class Run:
    """What one run came to: seconds by the clock and of all processors, the peak in bytes, its exit code, and whether it
    was ended for taking too long."""

    def __init__(self, seconds, usage, code, is_ended=False, seen_peak=0):
        self.seconds, self.code, self.is_ended = seconds, code, is_ended
        # Of the child or of the largest of those that it waited for, in kibibytes (getrusage(2)).
        self.peak = usage.ru_maxrss * 1024
        # A child begins as a copy of this script, and what it had then counts. Where that may be all, what was seen
        # while it ran tells more.
        if seen_peak and self.peak < 2 * own_peak():
            self.peak = seen_peak
        self.processor = usage.ru_utime + usage.ru_stime
        self.text = ""


def own_peak():
    """The peak of this script in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def peak_so_far(pid):
    """The peak of a running process in bytes (proc(5), VmHWM); 0 if it has ended."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


class Failed(Exception):
    """A command ended otherwise than it must."""


def await_end(child, begun, patience):
    """Waits for a child; after `patience` seconds it is ended."""
    ended = threading.Event()

    def end():
        ended.set()
        child.kill()

    timer = threading.Timer(patience, end)
    timer.start()
    peak, watching = [0], threading.Event()

    def watch():
        while not watching.wait(0.005):
            peak[0] = max(peak[0], peak_so_far(child.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    timer.cancel()
    watching.set()
    watcher.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    return Run(seconds, usage, child.returncode, ended.is_set(), peak[0])


def once(command, environment, patience, codes=(0,)):
    """Runs a command; what it writes goes to nowhere."""
    with tempfile.TemporaryFile() as told:
        begun = time.perf_counter()
        child = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=told
        )
        run = await_end(child, begun, patience)
        told.seek(0)
        run.text = told.read().decode(errors="replace")
    if not run.is_ended and codes and run.code not in codes:
        raise Failed(f"{' '.join(command)} ended with {run.code}: {run.text.strip()[-400:]}")
    return run


def piped(command, environment, patience):
    """Runs a command, and reads what it writes through a pipe to nowhere. Its time ends when the pipe does."""
    begun = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    drain = subprocess.Popen(["cat"], stdin=child.stdout, stdout=subprocess.DEVNULL)
    child.stdout.close()
    run = await_end(child, begun, patience)
    drain.wait()
    if not run.is_ended and run.code != 0:
        raise Failed(f"{' '.join(command)} ended with {run.code}")
    return run


class Measured:
    """The runs of one command in a comparison."""

    def __init__(self, runs):
        self.runs = runs

    @property
    def seconds(self):
        return statistics.median(run.seconds for run in self.runs)

    @property
    def processor(self):
        return statistics.median(run.processor for run in self.runs)

    @property
    def peak(self):
        return statistics.median(run.peak for run in self.runs)

    @property
    def is_ended(self):
        """Whether a run was ended: then `seconds` is less than it would have taken."""
        return any(run.is_ended for run in self.runs)


def in_turns(rounds, works):
    """Runs each of the named works once a round. One whose name begins with `~` is another's: it runs once, for it may
    take minutes, and if it fails it is left out of what is returned."""
    runs = {name: [] for name in works}
    for turn in range(rounds):
        for name, work in works.items():
            is_others = name.startswith("~")
            if turn > 0 and (is_others or runs[name][-1].is_ended):
                continue
            try:
                runs[name].append(work())
            except Failed as failed:
                if not is_others:
                    raise
                print(failed, file=sys.stderr)
    return {name.removeprefix("~"): Measured(these) for name, these in runs.items() if these}


def ratio(measured, one, other):
    """The median of the ratios of runs of the same round; of the medians where one has fewer rounds."""
    ones, others = measured[one].runs, measured[other].runs
    if len(ones) != len(others):
        return measured[one].seconds / measured[other].seconds
    return statistics.median(a.seconds / b.seconds for a, b in zip(ones, others))


def on_path(name):
    """The program of this name, or None."""
    return shutil.which(name)
