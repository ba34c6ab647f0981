#!/bin/sh
# The Debian package: it installs, what it installs works, and it leaves nothing when it is purged.
# All of it in a mount namespace, over the machine's files and with memory above them.
set -u
repo=$(cd "$(dirname "$0")/../.." && pwd)
n=0
skip() { echo "ok 1 - all # SKIP $1"; echo 1..1; exit 0; }
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '%s\n' "$@" | sed 's/^/# /'; }
# check NAME CMD...: CMD succeeds; what it says is told if not.
check() { name=$1; shift; said=$(timeout 120 "$@" 2>&1 </dev/null) && ok "$name" || not_ok "$name" "$said"; }

if [ $# = 0 ]; then
	[ "$(id -u)" = 0 ] || skip "not root"
	command -v dpkg-deb >/dev/null && command -v make >/dev/null || skip "no dpkg-deb or make"
	deb=$(make -s -C "$repo" deb 2>&1 | tail -n 1)
	[ -f "$repo/$deb" ] || { not_ok builds "$deb"; echo 1..1; exit 1; }
	dir=$(mktemp -d)
	trap 'rmdir "$dir"' EXIT
	unshare -m -p -f --kill-child sh "$0" "$dir" "$repo/$deb"
	exit
fi
dir=$1
mount -t tmpfs tmpfs "$dir" && mkdir "$dir/upper" "$dir/work" "$dir/root" &&
	mount -t overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" overlay "$dir/root" 2>/dev/null ||
	skip "no overlay file system over / here"
cp "$2" "$dir/root/vedette.deb"
for d in dev sys; do mount --rbind /$d "$dir/root/$d"; done
for d in run tmp; do mount -t tmpfs tmpfs "$dir/root/$d"; done
mkdir "$dir/root/tmp/old" "$dir/root/tmp/upper" && mount --rbind "$dir/upper" "$dir/root/tmp/upper"
cd "$dir/root" && pivot_root . tmp/old && mount -t proc proc /proc && umount -l /tmp/old && cd / || exit 1
PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
export PATH DEBIAN_FRONTEND
share=/usr/share/vedette

check installs dpkg -i /vedette.deb
check no_file_is_broken sh -c '! dpkg --verify vedette | grep .'
check runs sh -c 'vedette do -- sh -c "exit 3"; test $? = 3'
check version_is_the_packages sh -c 'test "vedette version $(dpkg-query -W -f "\${Version}" vedette)" = "$(vedette --version | head -n 1)"'
ARGP_HELP_FMT=rmargin=4000 vedette --help | awk '/^Commands:/ { on = 1; next } on && NF == 0 { exit } on { print $1 }' >/tmp/commands
check every_command_has_a_page sh -c 'while read -r c; do test -s /usr/share/man/man1/vedette-$c.1.gz || { echo $c; exit 1; }; done </tmp/commands'
if command -v groff >/dev/null; then
	check pages_format sh -c 'for p in /usr/share/man/man1/vedette*.1.gz; do
		zcat $p | groff -man -Tutf8 -ww -z 2>&1 | grep . && { echo $p; exit 1; }; done; true'
fi
complete_word() { # WORD...: what bash would offer for the last one
	bash -c '. /usr/share/bash-completion/completions/vedette; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vedette; echo "${COMPREPLY[*]}"' sh "$@"
}
[ "$(complete_word vedette sysc)" = syscalls ] && ok completes_commands || not_ok completes_commands "$(complete_word vedette sysc)"
[ "$(complete_word vedette --log x do --hos)" = --hostname ] && ok completes_options || not_ok completes_options "$(complete_word vedette --log x do --hos)"
check docker_snippet_is_json python3 -c "import json; assert json.load(open('$share/docker.json'))['runtimes']['vedette']['path'] == '/usr/bin/vedette'"
if command -v containerd >/dev/null; then
	(echo 'version = 2'; cat $share/containerd.toml) >/tmp/c.toml
	check containerd_takes_the_snippet sh -c 'containerd -c /tmp/c.toml config dump | grep BinaryName.*/usr/bin/vedette'
fi
if command -v podman >/dev/null; then
	check podman_knows_the_runtime sh -c 'podman --storage-driver vfs --root /tmp/g --runroot /tmp/r --runtime vedette info | grep "path: /usr/bin/vedette"'
fi
check purges dpkg -P vedette
left=$(find /tmp/upper -iname '*vedette*' ! -path '/tmp/upper/vedette.deb' ! -path '*/var/log/*' ! -type c)
[ -z "$left" ] && ok nothing_is_left || not_ok nothing_is_left "$left"
echo "1..$n"
