#!/usr/bin/env python3
"""make check: the rules of docs/STYLE.md and tools/layers.txt that a program can hold.

Includes and symbols must follow the arrows; files and functions stay small (a ratchet: what is
longer today stands in tools/long_functions.txt and may only shrink); banned calls, line length,
unique file names, a README per folder, a test for each public function, formatting. Prints one
line per finding; exit 1 if any.
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OPEN_TO_ALL = ("base", "os", "types")
BANNED = ("strcpy", "strcat", "sprintf", "vsprintf", "gets", "strtok", "atoi", "atol", "atof", "rand",
          "srand", "time", "localtime", "gmtime", "system", "alloca", "malloc", "calloc", "realloc",
          "free", "setjmp", "longjmp", "signal", "getenv")
SYSTEM_CALLS_ALLOWED = ("src/os/", "src/base/memory.c", "src/base/platform.h")
MAX_LINE, MAX_FILE, MAX_FUNCTION = 100, 800, 70
# printf's %f, %g and %e take the decimal point from the locale of the process that we live in.
FLOAT_FORMAT = re.compile(r'%[-+ #0]*[0-9*]*(?:\.(?!0)[0-9*]*)?[fFgGeE]\b')
findings = []


def report(path, line, text):
    findings.append(f"{path}:{line}: {text}")


def read_layers():
    rooms = {}
    for line in open(os.path.join(ROOT, "tools/layers.txt")):
        if line.startswith("#") or not line.strip():
            continue
        name, rank, prefixes, sees = [part.strip() for part in line.split("|")]
        rooms[name.removeprefix("src/")] = {
            "rank": -1 if rank == "-" else int(rank), "prefixes": prefixes.split(), "sees": sees.split()}
    return rooms


def room_of(path, rooms):
    """Longest room name that `path` (relative to src/) lies in."""
    best = None
    for name in rooms:
        if path.startswith(name + "/") and (best is None or len(name) > len(best)):
            best = name
    return best


def sources(*folders, suffixes=(".c", ".h", ".inc")):
    for folder in folders:
        for base, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield os.path.relpath(os.path.join(base, name), ROOT)


def check_include(path, number, target, room, rooms):
    if target.startswith("tuff"):
        if room != "capi":
            report(path, number, "only capi includes the public headers")
        return
    other = room_of(target, rooms)
    if other is None:
        report(path, number, f"include of no known room: {target}")
        return
    if other == room:
        return
    mine, theirs = rooms[room], rooms[other]
    allowed = theirs["rank"] < mine["rank"] and (other in OPEN_TO_ALL or other in mine["sees"])
    allowed = allowed or target in mine["sees"] or (room == "types" and other == "os")
    if not allowed:
        report(path, number, f"{room} may not see {other}")
    if target.endswith("_int.h"):
        report(path, number, f"private header of another room: {target}")
    elif os.path.basename(target) != other.split("/")[-1] + ".h" and target not in mine["sees"] \
            and other not in ("base",):
        report(path, number, f"other rooms include {other.split('/')[-1]}.h only, not {target}")


def check_text(rooms):
    names = {}
    for path in sources("src", "include", "shell", "bench", "tests", "examples"):
        lines = open(os.path.join(ROOT, path), encoding="utf-8").read().split("\n")
        in_src = path.startswith("src/")
        room = room_of(path.removeprefix("src/"), rooms) if in_src else None
        if in_src and room is None:
            report(path, 1, "file outside every room")
        if len(lines) > MAX_FILE:
            report(path, 1, f"{len(lines)} lines: more than {MAX_FILE}")
        if in_src and path.endswith(".c"):
            name = os.path.basename(path)
            if name in names:
                report(path, 1, f"file name is used twice: {names[name]}")
            names[name] = path
        if not lines[0].startswith("/*"):
            report(path, 1, "does not open with what it is")
        for number, line in enumerate(lines, 1):
            if len(line) > MAX_LINE:
                report(path, number, f"{len(line)} columns")
            if "\t" in line or line != line.rstrip():
                report(path, number, "tab or trailing blank")
            match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
            if match and in_src:
                if match[1] == "<" and not path.startswith(("src/base/platform.h", "src/os/")) \
                        and room != "crypto" and not match[2].endswith("mmintrin.h"):
                    report(path, number, f"system header {match[2]} outside base and os")
                elif match[1] == '"' and room:
                    check_include(path, number, match[2], room, rooms)
            elif match and match[1] == '"' and path.startswith(("shell/", "bench/", "examples/")):
                target = match[2]
                if room_of(target, rooms):
                    report(path, number, "products include the public headers only")
            if in_src and path.endswith(".c") and re.match(r"extern\s+\w.*\(", line):
                report(path, number, "prototype in a .c file")
            call = re.sub(r'"(\\.|[^"\\])*"', "", " ".join(lines[max(0, number - 3):number]))
            if in_src and path.endswith(".c") and FLOAT_FORMAT.search(line) \
                    and re.search(r"printf\(|_format\(|error_set\w*\(", call):
                report(path, number, "a float by printf: its point follows the locale")
            if in_src and not path.startswith(SYSTEM_CALLS_ALLOWED):
                code = re.sub(r'"(\\.|[^"\\])*"', '""', line)
                code = re.sub(r"/\*.*?\*/|^\s*\*.*|/\*.*", "", code)
                for call in re.findall(r"(?<![\w.>])(\w+)\s*\(", code):
                    if call in BANNED:
                        report(path, number, f"banned call: {call}")


def check_functions():
    """Ratchet on function length."""
    known = {}
    listing = os.path.join(ROOT, "tools/long_functions.txt")
    if os.path.exists(listing):
        for line in open(listing):
            if not line.startswith("#"):
                name, length = line.split()
                known[name] = int(length)
    long_now = {}
    for path in sources("src", "shell", "bench", suffixes=(".c",)):
        start, name, before = 0, "", ""
        for number, line in enumerate(open(os.path.join(ROOT, path), encoding="utf-8"), 1):
            if line.startswith("{"):
                start = number
            elif line.startswith("}") and start:
                length = number - start + 1
                if length > MAX_FUNCTION:
                    long_now[f"{path}:{name}"] = length
                start = 0
            elif not line.startswith((" ", "#", "/", "*")) and "(" in line:
                found = re.findall(r"(\w+)\s*\(", line)
                name = found[0] if found else before
            before = line
    if "--write-long-functions" in sys.argv:
        with open(listing, "w") as out:
            out.write("# Functions longer than 70 lines: none may grow, none may be added without a reason.\n")
            for key in sorted(long_now):
                out.write(f"{key} {long_now[key]}\n")
        return
    for key, length in sorted(long_now.items()):
        if length > known.get(key, MAX_FUNCTION):
            report(key.rsplit(":", 1)[0], 1, f"function {key.rsplit(':', 1)[1]} has {length} lines")


def check_symbols(rooms):
    """Global symbols of an object begin with a prefix of its room."""
    objects = os.path.join(ROOT, "build/CMakeFiles/tuff_objects.dir/src")
    for base, _, names in os.walk(objects):
        for name in names:
            if not name.endswith(".o"):
                continue
            path = os.path.relpath(os.path.join(base, name), objects)
            room = room_of(path, rooms)
            source = "src/" + path.removesuffix(".o")
            if room is None or not os.path.exists(os.path.join(ROOT, source)):
                continue
            output = subprocess.run(["nm", "-g", "--defined-only", os.path.join(base, name)],
                                    capture_output=True, text=True, check=False).stdout
            for line in output.split("\n"):
                symbol = line.split()[-1] if line.split() else ""
                if symbol and not symbol.startswith(tuple(rooms[room]["prefixes"])):
                    report(source, 1, f"symbol {symbol} lacks the room's prefix")


def check_readmes():
    """Every folder with code says what it is."""
    folders = {os.path.dirname(path) for path in sources("src", "tests", suffixes=(".c", ".h", ".py", ".sh"))}
    for folder in sorted(folders):
        readme = os.path.join(ROOT, folder, "README.md")
        if re.match(r"tests/(unit|sql)/\w", folder):
            continue  # tests/unit/README.md and tests/sql/README.md speak for them
        if not os.path.exists(readme):
            report(folder, 1, "folder without README.md")
        elif sum(1 for _ in open(readme)) > 80:
            report(f"{folder}/README.md", 81, "more than 80 lines")


def check_public_functions():
    """Every function of tuff.h is called by some test written in C."""
    header = open(os.path.join(ROOT, "include/tuff.h"), encoding="utf-8").read()
    tests = "\n".join(open(os.path.join(ROOT, path), encoding="utf-8").read()
                      for path in sources("tests", suffixes=(".c", ".h")))
    called = set(re.findall(r"\b(tuff_\w+)\(", tests))
    for declaration in re.finditer(r"^TUFF_API\s[^;]*?\b(tuff_\w+)\(", header, re.M):
        if declaration[1] not in called:
            line = header.count("\n", 0, declaration.start(1)) + 1
            report("include/tuff.h", line, f"no test in C calls {declaration[1]}")


def check_format():
    tool = next((t for t in ("clang-format-14", "clang-format") if subprocess.run(
        ["sh", "-c", f"command -v {t}"], capture_output=True, check=False).returncode == 0), None)
    if tool is None:
        print("skipped: formatting (clang-format-14 is not installed)")
        return
    files = list(sources("src", "include", "shell", "bench", "tests", "examples", suffixes=(".c", ".h")))
    output = subprocess.run([tool, "--dry-run", *files], cwd=ROOT, capture_output=True, text=True,
                            check=False).stderr
    seen = set()
    for match in re.finditer(r"^(\S+?):(\d+):\d+: (?:warning|error): code should be clang-formatted", output,
                             re.M):
        if match[1] not in seen:
            seen.add(match[1])
            report(match[1], match[2], "not formatted (clang-format-14 -i)")


def main():
    rooms = read_layers()
    check_text(rooms)
    check_functions()
    check_symbols(rooms)
    check_readmes()
    check_public_functions()
    if "--no-format" not in sys.argv:
        check_format()
    for finding in findings:
        print(finding)
    print(f"check: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
