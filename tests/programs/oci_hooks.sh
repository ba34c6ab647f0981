#!/bin/sh
# Hooks of config.json: when they run, what they are given, and what their failure does.
set -u
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }
n=0
dir=$(mktemp -d)
trap 'rm -rf --one-file-system "$dir"' EXIT
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '%s\n' "$@" | sed 's/^/# /'; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got  $2" "want $3"; fi; }
v() { timeout -k 5 60 "$VEDETTE" --root "$dir/state" "$@" </dev/null >"$dir/out" 2>"$dir/err"; }

mkdir -p "$dir/b/rootfs/bin" "$dir/b/rootfs/proc" "$dir/b/rootfs/dev"
cp /bin/busybox "$dir/b/rootfs/bin/" && ln -s busybox "$dir/b/rootfs/bin/sh"
cat >"$dir/hook" <<H
#!/bin/sh
# hook POINT: notes the point, the status it is told and its environment; keeps the state.
cat >"$dir/state.\$1"
echo "\$1 \$(sed 's/.*"status":"\([a-z]*\)".*/\1/' "$dir/state.\$1") \${X-unset}" >>"$dir/order"
readlink /proc/self/ns/net >"$dir/net.\$1"
H
chmod +x "$dir/hook"
"$VEDETTE" spec --bundle "$dir/b" || exit 1
# config PYTHON: changes the configuration c.
config() {
	python3 - "$dir/b/config.json" "$dir" "$1" <<'P'
import json, sys
path, d, code = sys.argv[1:]
c = json.load(open(path))
c['process'].update(terminal=False, args=['/bin/sh', '-c', 'while :; do sleep 0.05; done'])
def hook(point, **more):
    return dict(dict(path=d + '/hook', args=['hook', point], env=['X=' + point[0], 'PATH=/bin:/usr/bin']), **more)
exec(code)
json.dump(c, open(path, 'w'))
P
}
config "c['annotations'] = {'k': 'v'}
c['hooks'] = {p: [hook(p)] for p in ('prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop')}"
v create --bundle "$dir/b" --pid-file "$dir/pid" h1 && ok create || not_ok create "$(cat "$dir/err")"
same before_create_returns "$(tr '\n' ' ' <"$dir/order")" 'prestart created p createRuntime created c createContainer created c '
same told_the_pid "$(python3 -c "import json; print(json.load(open('$dir/state.prestart'))['pid'])")" "$(cat "$dir/pid")"
same told_of_the_container "$(python3 -c "import json; s = json.load(open('$dir/state.createRuntime'))
print(s['id'], s['bundle'], s['annotations'])")" "h1 $dir/b {'k': 'v'}"
if [ "$(id -u)" = 0 ]; then
	pid=$(cat "$dir/pid")
	same network_of_the_pid_is_the_containers "$(readlink "/proc/$pid/ns/net")" "$(cat "$dir/net.createContainer")"
	[ "$(cat "$dir/net.createContainer")" != "$(readlink /proc/self/ns/net)" ] && ok not_the_hosts || not_ok not_the_hosts
	same prestart_runs_in_ours "$(cat "$dir/net.prestart")" "$(readlink /proc/self/ns/net)"
fi
v start h1 && ok start || not_ok start "$(cat "$dir/err")"
same poststart "$(tail -n 1 "$dir/order")" 'poststart running p'
v delete --force h1 && ok delete || not_ok delete "$(cat "$dir/err")"
same poststop "$(tail -n 1 "$dir/order")" 'poststop stopped p'

# fails NAME TEXT PYTHON: create fails, says so, and nothing is left.
fails() {
	config "$3"
	v create --bundle "$dir/b" f1
	status=$?
	if [ $status -ne 1 ] || ! grep -qF -- "$2" "$dir/err"; then
		not_ok "$1" "status $status" "$(cat "$dir/err")"
	elif [ -n "$(ls -A "$dir/state")" ]; then
		not_ok "$1" "left: $(ls -A "$dir/state")"
	else
		ok "$1"
	fi
}
fails failure 'exit status 3: why it failed' "c['hooks'] = {'prestart': [dict(path='/bin/sh', args=['sh', '-c', 'echo why it failed; exit 3'])]}"
fails killed 'died of signal 9' "c['hooks'] = {'createRuntime': [dict(path='/bin/sh', args=['sh', '-c', 'kill -9 \$\$'])]}"
fails not_there 'No such file or directory' "c['hooks'] = {'createRuntime': [dict(path='/no/such/hook')]}"
fails too_slow 'did not end in 1 seconds' "c['hooks'] = {'createContainer': [dict(path='/bin/sleep', args=['sleep', '50'], timeout=1)]}"
fails relative_path 'hooks.prestart[0].path' "c['hooks'] = {'prestart': [dict(path='hook')]}"
fails no_time 'hooks.poststop[0].timeout' "c['hooks'] = {'poststop': [hook('poststop', timeout=0)]}"
: >"$dir/order"
config "c['hooks'] = {'prestart': [dict(path='/bin/false'), hook('prestart')]}"
v create --bundle "$dir/b" f2
same later_ones_do_not_run "$(cat "$dir/order")" ''
config "c['hooks'] = {'poststart': [dict(path='/bin/false')], 'poststop': [dict(path='/bin/false')]}"
v create --bundle "$dir/b" w1 && v start w1 && ok poststart_may_fail || not_ok poststart_may_fail "$(cat "$dir/err")"
grep -q 'warning: .*poststart' "$dir/err" && ok and_that_is_told || not_ok and_that_is_told "$(cat "$dir/err")"
v delete --force w1 && ok poststop_may_fail || not_ok poststop_may_fail "$(cat "$dir/err")"
config "c['hooks'] = {'prestart': [hook('prestart')]}
c['annotations'] = {'long': 'x' * 200000}"
v create --bundle "$dir/b" l1 && [ "$(wc -c <"$dir/state.prestart")" -gt 200000 ] && ok long_state || not_ok long_state "$(cat "$dir/err")"
v delete --force l1

# startContainer: programs of the container, with its process' user, environment and directory.
cat >"$dir/b/rootfs/inside" <<'H'
#!/bin/sh
busybox cat >/state.inside
echo "$0 $(busybox id -u) $(busybox pwd) ${X-unset}" >>/inside.out
H
chmod +x "$dir/b/rootfs/inside"
writable="c['root']['readonly'] = False; c['process']['env'].append('X=own')"
config "$writable
c['hooks'] = {'startContainer': [dict(path='/inside', args=['first']), dict(path='/inside', env=['X=e', 'PATH=/bin'])]}
c['process'].update(cwd='/bin', args=['/bin/sh', '-c', 'echo main >>/inside.out; busybox sleep 1000'])"
v create --bundle "$dir/b" s1
[ -e "$dir/b/rootfs/inside.out" ] && not_ok not_yet || ok not_yet
v start s1 && ok start_with_its_hooks || not_ok start_with_its_hooks "$(cat "$dir/err")"
until grep -q main "$dir/b/rootfs/inside.out"; do sleep 0.05; done
same before_the_program "$(tr '\n' , <"$dir/b/rootfs/inside.out")" '/inside 0 /bin own,/inside 0 /bin e,main,'
same told_as_seen_inside "$(python3 -c "import json; s = json.load(open('$dir/b/rootfs/state.inside')); print(s['pid'], s['status'], s['id'])")" '1 created s1'
v delete --force s1
# start_fails NAME TEXT PYTHON: start fails, says so, the program never ran, and the container has stopped.
start_fails() {
	rm -f "$dir/b/rootfs/inside.out"
	config "$writable
$3"
	v create --bundle "$dir/b" s2 || not_ok "$1" "$(cat "$dir/err")"
	v start s2
	got="$? $(grep -cF -- "$2" "$dir/err")"
	i=0; until v state s2 && grep -q '"stopped"' "$dir/out" || [ $((i += 1)) -gt 100 ]; do sleep 0.05; done
	same "$1" "$got $(grep -o '"status": *"[a-z]*"' "$dir/out") $(cat "$dir/b/rootfs/inside.out" 2>/dev/null)" '1 1 "status": "stopped" '
	v delete s2 || not_ok "delete_after_$1" "$(cat "$dir/err")"
}
start_fails start_failure 'startContainer: /bin/sh: exit status 3: why' "c['hooks'] = {'startContainer': [dict(path='/bin/sh', args=['sh', '-c', 'echo why; exit 3'])]}"
start_fails start_not_there 'startContainer: /no/such' "c['hooks'] = {'startContainer': [dict(path='/no/such')]}"
start_fails start_too_slow 'startContainer: /bin/sh did not end in 1 seconds' "c['hooks'] = {'startContainer': [dict(path='/bin/sh', args=['sh', '-c', 'busybox sleep 50'], timeout=1)]}"

# In the foreground: all of them, in order.
: >"$dir/order"
cat >"$dir/b/rootfs/inside" <<'H'
#!/bin/sh
echo inside
H
config "c['process']['args'] = ['/bin/sh', '-c', 'echo main; exit 7']
c['hooks'] = {p: [hook(p)] for p in ('prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop')}
c['hooks']['startContainer'] = [dict(path='/bin/sh', args=['sh', '-c', 'busybox grep -q created'])]"
v run --bundle "$dir/b" r1
same run_has_its_status "$? $(cat "$dir/out" "$dir/err")" '7 main'
same run_runs_them_all "$(tr '\n' ' ' <"$dir/order")" 'prestart created p createRuntime created c createContainer created c poststart running p poststop stopped p '
for point in prestart createContainer startContainer; do
	: >"$dir/order"
	config "c['process']['args'] = ['/bin/sh', '-c', 'echo main']
c['hooks'] = {'$point': [dict(path='/bin/sh', args=['sh', '-c', 'echo why; exit 3'])], 'poststart': [hook('poststart')], 'poststop': [hook('poststop')]}"
	v run --bundle "$dir/b" r2
	same "run_fails_with_$point" "$? $(grep -c "hook $point: /bin/sh: exit status 3: why" "$dir/err") $(cat "$dir/out") $(cat "$dir/order") $(ls -A "$dir/state")" '1 1  poststop stopped p '
done
config "c['process']['args'] = ['/no/such']; c['hooks'] = {'prestart': [hook('prestart')]}"
v run --bundle "$dir/b" r3
same run_of_no_program "$?" 127
config "c['hooks'] = {'poststop': [dict(path='/bin/false'), hook('poststop')], 'prestart': [dict(path='/bin/false')]}"
: >"$dir/order"
v create --bundle "$dir/b" r4
same poststop_after_a_failed_create "$? $(cat "$dir/order")" '1 poststop stopped p'
config "c['process']['args'] = ['/bin/busybox', 'true']; c['hooks'] = {'poststart': [hook('poststart')]}"
v run --detach --bundle "$dir/b" r5 && ok detached || not_ok detached "$(cat "$dir/err")"
v delete --force r5
same nothing_left "$(ls -A "$dir/state")" ''
echo "1..$n"
