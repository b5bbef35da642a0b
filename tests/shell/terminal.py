#!/usr/bin/env python3
"""The shell at a terminal: a pseudo-terminal, keys typed one after another, what the screen shows.

    tests/shell/terminal.py SHELL

Prints "N passed, M failed, K skipped".
"""
import os
import pty
import re
import select
import signal
import sys
import tempfile
import time


class Terminal:
    def __init__(self, shell, home, *arguments):
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            os.environ.update(HOME=home, TERM="xterm", LC_ALL="C.UTF-8")
            os.execv(shell, [shell, *arguments])
        self.seen = ""

    def type(self, text):
        os.write(self.screen, text.encode())

    def read(self, seconds):
        """What appears within a while; False at the end of the process."""
        ready, _, _ = select.select([self.screen], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.screen, 65536)
        except OSError:
            return False
        # Without the sequences that move the cursor and colour the text.
        self.seen += re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[=>]|\([A-Z])", "", data.decode(errors="replace"))
        return bool(data)

    def wait_for(self, pattern, seconds=20):
        """True when the pattern has appeared since the last call; forgets what was before it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return True
            if not self.read(0.1):
                break
        found = re.search(pattern, self.seen)
        return bool(found)

    def end(self, seconds=20):
        """The exit code, or None when it does not end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.screen)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None


class Checks:
    def __init__(self, shell):
        self.shell = shell
        self.passed = self.failed = 0

    def expect(self, name, condition, terminal=None):
        self.passed += bool(condition)
        self.failed += not condition
        if not condition:
            print("terminal %s failed; the screen shows %r" % (name, terminal.seen[-400:] if terminal else ""))

    def statements(self, home):
        """Statements over several lines, output in a box, errors that do not end the shell."""
        t = Terminal(self.shell, home)
        self.expect("prompt", t.wait_for(r"tuff> "), t)
        t.type("SELECT 40 + 2 AS answer;\r")
        self.expect("answer", t.wait_for(r"42"), t)
        t.type("SELECT 1\r")
        self.expect("waits for more", t.wait_for(r"\.\.\.>|->|> "), t)
        t.type("+ 122 AS x\r")
        t.type(";\r")
        self.expect("several lines", t.wait_for(r"123"), t)
        t.type("SELECT nothing;\r")
        self.expect("error", t.wait_for(r'column "nothing" does not exist'), t)
        t.type("SELECT 'still' || ' here';\r")
        self.expect("goes on", t.wait_for(r"still here"), t)
        t.type(".quit\r")
        self.expect("quit", t.end() == 0)

    def interrupt(self, home):
        """Ctrl-C stops the statement that runs; what is typed; never the shell."""
        t = Terminal(self.shell, home)
        t.wait_for(r"tuff> ")
        t.type("SELECT count(*) FROM generate_series(1, 1000000000) a (x), generate_series(1, 1000) b (y) WHERE x % 7 = y;\r")
        time.sleep(1.5)
        t.type("\x03")
        self.expect("stopped", t.wait_for(r"57014|cancelled|interrupted"), t)
        t.type("SELECT 'a' || 'live';\r")
        self.expect("lives", t.wait_for(r"alive"), t)
        t.type("SELECT half of a line")
        time.sleep(0.3)
        t.type("\x03")
        time.sleep(0.3)
        t.type("SELECT 'fresh' || 'line';\r")
        self.expect("line dropped", t.wait_for(r"freshline"), t)
        t.type("\x04")
        self.expect("Ctrl-D", t.end() == 0)

    def completion(self, home):
        t = Terminal(self.shell, home)
        t.wait_for(r"tuff> ")
        t.type("CREATE TABLE volcanoes (height INTEGER, eruption DATE);\r")
        t.wait_for(r"tuff> ")
        t.type("INSERT INTO volcanoes VALUES (4321, '1999-01-01');\r")
        t.wait_for(r"tuff> ")
        t.type("SELECT heig\t FROM volc\t;\r")
        self.expect("names completed", t.wait_for(r"4321"), t)
        t.type(".tab\t\r")
        self.expect("command completed", t.wait_for(r"volcanoes"), t)
        t.type(".quit\r")
        self.expect("quit", t.end() == 0)

    def history(self, home):
        t = Terminal(self.shell, home)
        t.wait_for(r"tuff> ")
        t.type("SELECT 'rem' || 'embered';\r")
        t.wait_for(r"remembered")
        t.type("\x1b[A\r")
        self.expect("key up", t.wait_for(r"remembered"), t)
        t.type(".quit\r")
        t.end()
        t = Terminal(self.shell, home)
        t.wait_for(r"tuff> ")
        t.type("\x1b[A\x1b[A\r")
        self.expect("history is kept", t.wait_for(r"remembered"), t)
        t.type(".quit\r")
        self.expect("quit", t.end() == 0)

    def modes(self, home):
        t = Terminal(self.shell, home)
        t.wait_for(r"tuff> ")
        for mode, pattern in (("csv", "a,b\r\n1,x"), ("json", r'\[\{"a":1,"b":"x"\}\]'), ("line", r"a = 1"), ("markdown", r"\| a \| b \|"),
                              ("list", r"1\|x"), ("box", "│ 1 │ x │"), ("column", r"1 +x"), ("insert", r"INSERT INTO"), ("tabs", "1\tx"), ("quote", "1, ?'x'")):
            t.type(".mode %s\r" % mode)
            t.wait_for(r"tuff> ")
            t.type("SELECT 1 AS a, 'x' AS b;\r")
            self.expect("mode " + mode, t.wait_for(pattern, 5), t)
            t.wait_for(r"tuff> ")
        t.type("quit\r")
        self.expect("quit", t.end() == 0)

    def file(self, home):
        """A file of its own, left by closing the terminal in the middle of a transaction."""
        path = home + "/a.tuff"
        t = Terminal(self.shell, home, path)
        t.wait_for(r"tuff> ")
        t.type("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1);\r")
        t.wait_for(r"tuff> ")
        t.type("BEGIN;\r")
        t.wait_for(r"tuff.*> ")
        t.type("INSERT INTO t VALUES (2);\r")
        t.wait_for(r"tuff.*> ")
        t.type("\x04")
        self.expect("end", t.end() == 0)
        t = Terminal(self.shell, home, path)
        t.wait_for(r"tuff> ")
        t.type("SELECT 'rows: ' || count(*) FROM t;\r")
        self.expect("rolled back", t.wait_for(r"rows: 1\b"), t)
        t.type(".exit\r")
        self.expect("exit", t.end() == 0)


def main():
    checks = Checks(os.path.abspath(sys.argv[1]))
    for scene in (checks.statements, checks.interrupt, checks.completion, checks.history, checks.modes, checks.file):
        with tempfile.TemporaryDirectory() as home:
            scene(home)
    print("%d passed, %d failed, 0 skipped" % (checks.passed, checks.failed))
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
