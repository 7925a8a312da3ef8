"""What both sides of a comparison of federations need: processes that end with their owner, and what they used."""
import os
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def descendants(pid):
    found = []
    try:
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, thread)) as file:
                found += [int(word) for word in file.read().split()]
    except OSError:
        pass
    return found + [other for child in found for other in descendants(child)]


def processor(pid):
    """Seconds of a process and of its children that have ended."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:15])) / TICKS
    except OSError:
        return 0.0


def peak(pid):
    """The most memory that a process ever held, in MB."""
    try:
        with open("/proc/%d/status" % pid) as file:
            for line in file:
                if line.startswith("VmHWM"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


class Crew:
    """Processes of one side; all of them are gone when the block ends, and nobody else's."""

    def __init__(self):
        self.started = []

    def start(self, command, **options):
        # A group of its own, so that what it starts ends with it.
        process = subprocess.Popen([str(word) for word in command], start_new_session=True,
                                   stdin=subprocess.DEVNULL, **options)
        self.started.append(process)
        return process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Some detach into sessions of their own, so the tree is walked before its roots end.
        everybody = [p.pid for p in self.started] + [d for p in self.started for d in descendants(p.pid)]
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for pid in everybody:
                try:
                    os.kill(pid, sign)
                except ProcessLookupError:
                    pass
            if sign == signal.SIGTERM:
                time.sleep(2)
        for process in self.started:
            process.wait()

    def processor(self):
        """Of everybody, ended children included."""
        pids = [p.pid for p in self.started]
        return sum(processor(pid) for pid in pids + [d for pid in pids for d in descendants(pid)])
