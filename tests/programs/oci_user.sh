#!/bin/sh
# An ordinary user starts it, with user namespaces, and on a host that has none for him.
set -u
n=0
[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null || { echo "1..0 # SKIP not root, or no setpriv"; exit 0; }
here=$(cd "$(dirname "$0")/../.." && pwd)
dir=$(mktemp -d)
trap 'rm -rf --one-file-system "$dir"' EXIT
cp "$VEDETTE" "$dir/vedette"
cp "$here/tests/programs/oci_kill.sh" "$dir/kill.sh"
[ -x "$here/build/oldhost" ] && cp "$here/build/oldhost" "$dir/oldhost"
chmod -R a+rX "$dir"
echo secret >"$dir/secret" && chmod 600 "$dir/secret"
mkdir "$dir/home" && chown 1000:1000 "$dir/home"

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '# %s\n' "$@"; }
user() { timeout -k 5 120 $around setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all "$@" </dev/null; }
# In a chroot nobody gets a user namespace: as on a host that forbids them.
cat >"$dir/chroot" <<S
#!/bin/sh
mount --rbind / "$dir/root" && exec chroot "$dir/root" "\$@"
S
chmod +x "$dir/chroot"
mkdir "$dir/root"
# check NAME WANTED CMD...: what an ordinary user's command prints, with its status.
check() {
	name=$1 want=$2
	shift 2
	got=$(user "$@" 2>"$dir/err")
	got="$got $?"
	if [ "$got" = "$want" ]; then ok "$name"; else not_ok "$name" "got $got, not $want" "$(cat "$dir/err")"; fi
}

for how in modern old forbidden; do
	around=
	set --
	case $how in
	old)
		[ -x "$dir/oldhost" ] || continue
		export OLDHOST_NNP=1
		set -- "$dir/oldhost" 3.6 -- ;;
	forbidden)
		around="unshare -m $dir/chroot" ;;
	esac
	check ${how}_true ' 0' "$@" "$dir/vedette" do -- /bin/true
	check ${how}_status ' 9' "$@" "$dir/vedette" do -- /bin/sh -c 'exit 9'
	check ${how}_user '1000 1000 0' "$@" "$dir/vedette" do -- /bin/sh -c 'echo $(id -u) $(id -g)'
	check ${how}_owners '0 1000 0' "$@" "$dir/vedette" do -- /bin/sh -c "echo \$(stat -c %u /etc/passwd) \$(stat -c %u $dir/home)"
	check ${how}_not_readable 'no 0' "$@" "$dir/vedette" do -- /bin/sh -c "cat $dir/secret 2>/dev/null || echo no"
	check ${how}_not_even_as_root 'no 0' "$@" "$dir/vedette" do -u 0 -- /bin/sh -c "cat $dir/secret 2>/dev/null || echo no"
	check ${how}_writes_in_memory 'x 0' "$@" "$dir/vedette" do -- /bin/sh -c "echo x >$dir/home/new; cat $dir/home/new"
	[ ! -e "$dir/home/new" ] && ok ${how}_nothing_written || not_ok ${how}_nothing_written
	user "$@" "$dir/vedette" check >"$dir/out" 2>&1
	[ $? -eq 0 ] && grep -q '^vedette runs here' "$dir/out" && ok ${how}_check || not_ok ${how}_check "$(cat "$dir/out")"
	# Threads and processes that the host refuses are an errno for who asks, and nothing else.
	cat >"$dir/many.py" <<'P'
import os, threading, time
gate, n = threading.Event(), 0
try:
	while n < 500:
		threading.Thread(target=gate.wait, daemon=True).start()
		n += 1
except RuntimeError:
	print('refused' if n > 3 else n)
try:
	print(os.waitstatus_to_exitcode(os.waitpid(os.fork() or os._exit(3), 0)[1]))
except BlockingIOError:
	print('again')
gate.set()
time.sleep(0.2)
print('alive')
P
	check ${how}_threads_beyond_the_hosts_limit 'refused again alive  0' "$@" bash -c \
		"ulimit -u 60; exec $dir/vedette do -- python3 $dir/many.py | tr '\\n' ' '; exit 0"
	if [ $how = forbidden ]; then
		user "$@" "$dir/vedette" do -- /bin/true 2>"$dir/err"
		grep -q 'warning: no namespaces for this user' "$dir/err" && ok says_what_is_lost ||
			not_ok says_what_is_lost "$(cat "$dir/err")"
	fi
	command -v python3 >/dev/null || continue
	user env VEDETTE="$dir/vedette" VEDETTE_PREFIX="$*" VEDETTE_KILLS=8 PATH=/usr/bin:/bin sh "$dir/kill.sh" >"$dir/out" 2>&1
	grep -q '^1\.\.' "$dir/out" && ! grep -q '^not ok' "$dir/out" && ok ${how}_kills || not_ok ${how}_kills "$(cat "$dir/out")"
done
echo "1..$n"
