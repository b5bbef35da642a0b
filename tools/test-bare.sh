#!/usr/bin/env bash
# test-bare.sh: `make run` and `make test` in a fresh Debian 12 made with debootstrap, with git and
# make only. Needs root and the package debootstrap. The folder (build/bare) is removed afterwards
# unless KEEP=1.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD/build/bare
shared=${TUFF_SHARED:-$(cd .. && pwd)/shared}
command -v debootstrap >/dev/null || { apt-get update -qq; apt-get install -y -qq debootstrap; }
# Either file may be missing: Debian's newer images have only the folder.
mirror=$({ sed -nE 's/^URIs: *([^ ]+).*/\1/p; s/^deb (\[[^]]*\] )?([^ ]+) bookworm .*/\2/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } | head -1)

clean() {
    for place in proc dev/pts dev sys; do umount -l "$root/$place" 2>/dev/null || true; done
    [ "${KEEP:-0}" = 1 ] || rm -rf "$root"
}
trap clean EXIT
clean
mkdir -p "$root"
debootstrap --variant=minbase --include=git,make,ca-certificates bookworm "$root" ${mirror:+"$mirror"} >build/bare.log 2>&1 ||
    { tail -20 build/bare.log; exit 1; }
# The host's package sources and their keys and proxies.
rm -f "$root/etc/apt/sources.list"
cp -r /etc/apt/. "$root/etc/apt/"
[ ! -d /usr/share/keyrings ] || cp -r /usr/share/keyrings/. "$root/usr/share/keyrings/"
cp /etc/resolv.conf /etc/hosts "$root/etc/" 2>/dev/null || true
for place in proc sys dev dev/pts; do mount --bind "/$place" "$root/$place"; done
mkdir -p "$root/work"
git clone -q . "$root/work/tuff"
[ ! -d "$shared" ] || cp -r "$shared" "$root/work/shared"
chroot "$root" /bin/sh -c 'apt-get update -qq && cd /work/tuff && make run && make test'
