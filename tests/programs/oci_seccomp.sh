#!/bin/sh
# linux.seccomp: the guest's calls meet the container's filter, and nothing else changes.
set -u
n=0
busybox=$(command -v busybox) || { echo "1..0 # SKIP no busybox"; exit 0; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/rootfs/bin"
cp "$busybox" "$dir/rootfs/bin/busybox"
for a in sh cat echo grep mkdir rm kill uname sync truncate chmod tr setpriv su chroot; do
	ln -s busybox "$dir/rootfs/bin/$a"
done

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '# %s\n' "$@"; }

# run SECCOMP SCRIPT: in a container with that object; no_new_privs unless $nnp is false.
run() {
	esc=$(printf '%s' "$2" | sed 's/[\\"]/\\&/g')
	cat >"$dir/config.json" <<-J
	{"ociVersion": "1.0.2",
	 "process": {"user": {"uid": ${uid:-0}, "gid": 0}, "args": ["sh", "-c", "$esc"], "env": ["PATH=/bin"],
	  "cwd": "/", "noNewPrivileges": ${nnp:-true},
	  "capabilities": {"bounding": ["CAP_KILL", "CAP_SETUID"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"]}},
	 "root": {"path": "rootfs"},
	 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
	 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}], "seccomp": $1}}
	J
	timeout -k 5 60 "$VEDETTE" run --bundle "$dir" "box$$" 2>"$dir/err" </dev/null
}

# box NAME WANTED SECCOMP SCRIPT
box() {
	got=$(run "$3" "$4")
	status=$?
	if [ "$got" = "$2" ]; then ok "$1"; else
		not_ok "$1" "status $status: $got" "wanted: $2" "$(cat "$dir/err")"; fi
}

# bad NAME SECCOMP TEXT: refused with status 1 and one line.
bad() {
	run "$2" true >"$dir/out"
	got=$?
	if [ $got -eq 1 ] && [ "$(grep -vc ' warning: ' "$dir/err")" -eq 1 ] && grep -qF -- "$3" "$dir/err"; then ok "$1"; else
		not_ok "$1" "status $got" "wanted: $3" "$(cat "$dir/err")"; fi
}

allow() { echo "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [$1]}"; }
rule() { echo "{\"names\": [$1], \"action\": \"SCMP_ACT_$2\"${3:+, $3}}"; }
arg() { # INDEX VALUE OP [VALUE2]
	echo "{\"index\": $1, \"value\": $2, \"op\": \"SCMP_CMP_$3\"${4:+, \"valueTwo\": $4}}"; }
# Signals to itself do nothing to pid 1, so kill(2)'s second argument may be anything.
sigs='for s in 1 3 4 5 6 8 12; do kill -$s $$ 2>/dev/null && echo -n " $s"; done; echo'

box mode 'Seccomp: 2 Seccomp_filters: 1' "$(allow '')" "grep Seccomp /proc/self/status | tr '\t\n' ' ' | grep -o 'S.*[0-9]'"
nnp=false box no_new_privs_is_not_needed 'NoNewPrivs: 0 Seccomp: 2' "$(allow '')" \
	"grep -E 'NoNewPrivs|Seccomp:' /proc/self/status | tr '\t\n' ' ' | grep -o 'N.*[0-9]'"
nnp=false uid=1000 box a_user_needs_no_right 'Seccomp: 2' "$(allow '')" "grep Seccomp: /proc/self/status | tr '\t' ' '"
box errno_default 1 "$(allow "$(rule '"mkdir"' ERRNO)")" 'mkdir /tmp 2>&1 | grep -c "Operation not permitted"'
box errno_given 1 "$(allow "$(rule '"mkdir"' ERRNO '"errnoRet": 28')")" 'mkdir /tmp 2>&1 | grep -c "No space left"'
box errno_zero_pretends 0 "$(allow "$(rule '"mkdir"' ERRNO '"errnoRet": 0')")" 'mkdir /x; echo $?; test -d /x'
box kill_process 159 "$(allow "$(rule '"mkdir"' KILL_PROCESS)")" 'mkdir /x; echo $?' 
box kill_old_name 159 "$(allow "$(rule '"mkdir"' KILL)")" 'mkdir /x; echo $?'
box kill_thread 159 "$(allow "$(rule '"mkdir"' KILL_THREAD)")" 'mkdir /x; echo $?'
box trap_is_a_signal 159 "$(allow "$(rule '"mkdir"' TRAP)")" 'mkdir /x; echo $?'
box log_lets_pass 0 "$(allow "$(rule '"mkdir"' LOG)")" 'mkdir /x; echo $?'
box trace_without_tracer 1 "$(allow "$(rule '"mkdir"' TRACE)")" 'mkdir /x 2>&1 | grep -c "Function not implemented"'
box children_inherit 1 "$(allow "$(rule '"mkdir"' ERRNO)")" 'sh -c "sh -c \"mkdir /x\"" 2>&1 | grep -c "not permitted"'
box several_names '1 1' "$(allow "$(rule '"mkdir", "no_such_call", "chmod"' ERRNO)")" \
	'mkdir /x 2>/dev/null; a=$?; chmod 700 /bin 2>/dev/null; echo $a $?'
box new_names 0 "$(allow "$(rule '"mseal", "statmount", "map_shadow_stack"' ERRNO)")" 'mkdir /x; echo $?'
box log_flag 0 '{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}' 'echo 0'

sig() { allow "$(rule '"kill"' ERRNO "\"args\": [$1]")"; }
box op_eq ' 1 3 4 6 8 12' "$(sig "$(arg 1 5 EQ)")" "$sigs"
box op_ne ' 5' "$(sig "$(arg 1 5 NE)")" "$sigs"
box op_lt ' 5 6 8 12' "$(sig "$(arg 1 5 LT)")" "$sigs"
box op_le ' 6 8 12' "$(sig "$(arg 1 5 LE)")" "$sigs"
box op_gt ' 1 3 4 5' "$(sig "$(arg 1 5 GT)")" "$sigs"
box op_ge ' 1 3 4' "$(sig "$(arg 1 5 GE)")" "$sigs"
box op_masked ' 1 3 8' "$(sig "$(arg 1 4 MASKED_EQ 4)")" "$sigs" 
box two_arguments_are_both ' 1 3 4 6 8 12' "$(sig "$(arg 0 1 EQ), $(arg 1 5 EQ)")" "$sigs"
box two_arguments_not_both ' 1 3 4 5 6 8 12' "$(sig "$(arg 0 2 EQ), $(arg 1 5 EQ)")" "$sigs"
box one_argument_twice_is_either ' 1 3 4 6 8' "$(sig "$(arg 1 5 EQ), $(arg 1 12 EQ)")" "$sigs"
box all_64_bits '0 1' "$(allow "$(rule '"ftruncate"' ERRNO "\"args\": [$(arg 1 4294967296 GE)]")")" \
	'truncate -s 4294967295 /a; a=$?; truncate -s 4294967296 /a 2>/dev/null; echo $a $?'

# A profile as engines write them: what it names, and the rest refused.
names=$("$VEDETTE" syscalls --format=csv | sed -n '2,$s/^[0-9]*,\([a-z0-9_]*\),.*/"\1",/p' | tr -d '\n')
names=${names%,}
strict() { echo "{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": ${2:-1}, \"architectures\": [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_X32\"], \"syscalls\": [$(rule "$(echo "$names" | sed "s/\"$1\",//")" ALLOW)]}"; }
box strict_runs Linux "$(strict mkdir)" 'uname -s'
box strict_refuses 1 "$(strict mkdir)" 'mkdir /x 2>&1 | grep -c "not permitted"'
box strict_default_errno 1 "$(strict mkdir 38)" 'mkdir /x 2>&1 | grep -c "not implemented"'

bad no_default '{"syscalls": []}' 'linux.seccomp.defaultAction: is missing'
bad action_unknown '{"defaultAction": "SCMP_ACT_DENY"}' "linux.seccomp: unknown action 'SCMP_ACT_DENY'"
bad action_notify "$(allow "$(rule '"mkdir"' NOTIFY)")" 'linux.seccomp.syscalls[0]: the action SCMP_ACT_NOTIFY is not supported'
bad errno_for_kill "$(allow "$(rule '"mkdir"' KILL '"errnoRet": 1')")" 'linux.seccomp.syscalls[0]: the action SCMP_ACT_KILL takes no errno'
bad errno_range "$(allow "$(rule '"mkdir"' ERRNO '"errnoRet": 4096')")" 'linux.seccomp.syscalls[0].errnoRet: must be from 0 to 4095'
bad no_names "$(allow "$(rule '' ERRNO)")" 'linux.seccomp.syscalls[0].names: is empty'
bad names_type "$(allow '{"names": "mkdir", "action": "SCMP_ACT_ERRNO"}')" 'linux.seccomp.syscalls[0].names: must be an array, not a string'
bad operator "$(sig "$(arg 1 5 IS)")" "linux.seccomp.syscalls[0].args[0].op: unknown operator 'SCMP_CMP_IS'"
bad index "$(sig "$(arg 6 5 EQ)")" 'linux.seccomp.syscalls[0].args[0].index: a call has the arguments 0 to 5'
bad value_type "$(sig '{"index": 0, "value": "1", "op": "SCMP_CMP_EQ"}')" 'linux.seccomp.syscalls[0].args[0].value: must be a number, not a string'
bad architecture '{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_VAX"]}' "linux.seccomp.architectures: unknown architecture 'SCMP_ARCH_VAX'"
bad flag '{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_FAST"]}' "linux.seccomp.flags: the flag 'SECCOMP_FILTER_FLAG_FAST' is not supported"
bad listener '{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x.sock"}' 'linux.seccomp.listenerPath: is not supported'
many=$(i=0; while [ $i -lt 3000 ]; do echo "$(rule '"kill"' ERRNO "\"args\": [$(arg 1 $((i * 4294967297)) EQ)]"),"; i=$((i + 1)); done)
bad too_long "$(allow "${many%,}")" 'the filter is longer than the 4096 instructions'

echo "1..$n"
