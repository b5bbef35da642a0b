#!/bin/sh
# Installs what `make run` and `make test` need, and says what it does. Everything comes
# from Debian's packages. Does nothing, quickly, when all is there. Needs root (or sudo) only when
# something is missing. A tool that cannot be had is named; what needs it is skipped later.
#
# usage: install-dependencies.sh run|test
set -u
build="gcc cmake ninja-build pkg-config libc6-dev libedit-dev zlib1g-dev"
tests="libcmocka-dev clang-14 libclang-rt-14-dev clang-format-14 python3 valgrind xz-utils sqlite3 tmux binutils"
case "${1:-run}" in
run) wanted="$build" ;;
test) wanted="$build $tests" ;;
*) echo "usage: $0 run|test" >&2; exit 2 ;;
esac

missing=""
for package in $wanted; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

echo "installing with apt:$missing"
as_root=""
[ "$(id -u)" = 0 ] || as_root=sudo
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq || echo "apt-get update failed: using the lists that are there"
if ! $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
    # One package that cannot be had must not take the others along.
    for package in $missing; do
        $as_root apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
            echo "not available: $package"
    done
fi
for package in $build; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        { echo "cannot build without $package" >&2; exit 1; }
done
