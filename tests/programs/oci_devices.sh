#!/bin/sh
# linux.devices and linux.sysctl: nodes in /dev, and settings in /proc/sys.
set -u
n=0
busybox=$(command -v busybox) || { echo "1..0 # SKIP no busybox"; exit 0; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/rootfs/bin" "$dir/rootfs/dev"
cp "$busybox" "$dir/rootfs/bin/busybox"
for a in sh cat echo grep ls stat head wc test readlink dd tr mount awk hostname; do
	ln -s busybox "$dir/rootfs/bin/$a"
done
echo stale >"$dir/rootfs/dev/null"

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '# %s\n' "$@"; }

engines=', {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
 {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec"]}'
dev=$engines

# run LINUX-MORE SCRIPT, with $dev as the mounts, or those of engines
run() {
	esc=$(printf '%s' "$2" | sed 's/[\\"]/\\&/g')
	cat >"$dir/config.json" <<-J
	{"ociVersion": "1.0.2",
	 "process": {"user": {"uid": ${uid:-0}, "gid": 0}, "args": ["sh", "-c", "$esc"], "env": ["PATH=/bin"], "cwd": "/"},
	 "root": {"path": "rootfs"},
	 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}
	  $dev],
	 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}]${1:+, $1}}}
	J
	timeout -k 5 60 "$VEDETTE" run --bundle "$dir" "box$$" 2>"$dir/err" </dev/null
}
box() {
	got=$(run "$3" "$4")
	status=$?
	if [ "$got" = "$2" ]; then ok "$1"; else
		not_ok "$1" "status $status: $got" "wanted: $2" "$(cat "$dir/err")"; fi
}
bad() { # NAME LINUX TEXT
	run "$2" true >/dev/null
	got=$?
	if [ $got -eq 1 ] && [ "$(grep -vc ' warning: ' "$dir/err")" -eq 1 ] && grep -qF -- "$3" "$dir/err"; then ok "$1"; else
		not_ok "$1" "status $got" "wanted: $3" "$(cat "$dir/err")"; fi
}
device() { # PATH TYPE MAJOR MINOR [MORE]
	echo "\"devices\": [{\"path\": \"$1\", \"type\": \"$2\", \"major\": $3, \"minor\": $4${5:+, $5}}]"; }
sysctl() { echo "\"sysctl\": {\"$1\": \"$2\"}"; }

box promised '1:3 666 1:5 666 1:7 666 1:8 666 1:9 666 5:0 666' '' \
	'echo $(for d in null zero full random urandom tty; do stat -c "%t:%T %a" /dev/$d; done)'
box dev_is_what_was_asked 'tmpfs rw,nosuid,size=65536k,mode=755' '' 'awk "\$2 == \"/dev\" {print \$3, \$4}" /proc/mounts'
box links '/proc/self/fd /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 pts/ptmx' '' \
	'echo $(for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done)'
box they_work '4 0 1' '' 'echo $(head -c 4 /dev/zero | wc -c) $(cat /dev/null | wc -c) $( (echo >/dev/full) 2>/dev/null; echo $?)'
# Over the container's own the host's is bound: what is in that is nobody's to replace.
mkdir "$dir/hostdev"
echo kept >"$dir/hostdev/null"
dev="$engines, {\"destination\": \"/dev\", \"type\": \"bind\", \"source\": \"$dir/hostdev\", \"options\": [\"rbind\", \"rw\"]}"
before=$(ls -lai "$dir/hostdev")
box host_dev_is_left_alone 'null kept' '' 'echo $(ls /dev) $(cat /dev/null)'
if [ "$before" = "$(ls -lai "$dir/hostdev")" ]; then ok and_nothing_in_it_is_new; else
	not_ok and_nothing_in_it_is_new "$(ls -lai "$dir/hostdev")"; fi
dev=
box without_a_mount '1:3 tmpfs' '' 'echo $(stat -c %t:%T /dev/null) $(awk "\$2 == \"/dev\" {print \$3}" /proc/mounts)'
dev=$engines
box one_more 'a:e5 660 7 8' "$(device /dev/fuse c 10 229 '"fileMode": 432, "uid": 7, "gid": 8')" 'stat -c "%t:%T %a %u %g" /dev/fuse'
box mode_has_a_default 666 "$(device /dev/fuse c 10 229)" 'stat -c %a /dev/fuse'
box file_mode_with_type 660 "$(device /dev/fuse c 10 229 '"fileMode": 8624')" 'stat -c %a /dev/fuse'
box no_driver_is_enxio 1 "$(device /dev/fuse c 10 229)" 'cat /dev/fuse 2>&1 | grep -c "No such device or address"'
box block 'block special file' "$(device /dev/sda b 8 0)" 'stat -c %F /dev/sda'
box fifo fifo "\"devices\": [{\"path\": \"/dev/pipe\", \"type\": \"p\"}]" 'stat -c %F /dev/pipe'
box ours_by_another_name 4 "$(device /dev/sub/nought c 1 5)" 'head -c 4 /dev/sub/nought | wc -c'
box another_behind_a_name 4 "$(device /dev/null c 1 5)" 'head -c 4 /dev/null | wc -c'
box outside_dev 1:5 "$(device /opt/zero c 1 5)" 'stat -c %t:%T /opt/zero'
bad no_numbers '"devices": [{"path": "/dev/x", "type": "c"}]' 'linux.devices[0]: a device of type c needs major and minor'
bad type_unknown "$(device /dev/x d 1 1)" "linux.devices[0]: unknown type 'd'"
bad major_range "$(device /dev/x c 4096 1)" 'linux.devices[0].major: must be from 0 to 4095'
bad path_relative "$(device dev/x c 1 1)" 'linux.devices[0].path: must be an absolute path'
bad path_dots "$(device /dev/.. c 1 1)" "linux.devices[0].path: '/dev/..' does not name a file"

box sysctl_shm 4096 "$(sysctl kernel.shmmax 4096)" 'cat /proc/sys/kernel/shmmax'
box sysctl_slashes 77 "$(sysctl kernel/msgmni 77)" 'cat /proc/sys/kernel/msgmni'
box sysctl_sem '10 20 30 40' "$(sysctl kernel.sem '10 20 30 40')" 'cat /proc/sys/kernel/sem | tr "\t" " "'
box sysctl_domainname there "$(sysctl kernel.domainname there)" 'cat /proc/sys/kernel/domainname'
box sysctl_hostname me "$(sysctl kernel.hostname me)" hostname
box sysctl_ping_group '0 2147483647' "$(sysctl net.ipv4.ping_group_range '0 2147483647')" 'cat /proc/sys/net/ipv4/ping_group_range | tr "\t" " "'
box sysctl_ports 0 "$(sysctl net.ipv4.ip_unprivileged_port_start 0)" 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start'
box sysctl_forward 1 "$(sysctl net.ipv4.ip_forward 1)" 'cat /proc/sys/net/ipv4/ip_forward'
box sysctl_somaxconn 7 "$(sysctl net.core.somaxconn 7)" 'cat /proc/sys/net/core/somaxconn'
uid=1000
box sysctl_of_a_user '7 1' "$(sysctl net.core.somaxconn 7)" \
	'(echo 8 >/proc/sys/net/core/somaxconn) 2>/dev/null; a=$?; echo $(cat /proc/sys/net/core/somaxconn) $a'
uid=0
box sysctl_files_are_writable '8 1' '' 'echo 8 >/proc/sys/net/core/somaxconn; a=$(cat /proc/sys/net/core/somaxconn); (echo x >/proc/sys/net/core/somaxconn) 2>/dev/null; echo $a $?'
bad sysctl_unknown "$(sysctl net.ipv4.tcp_wobble 1)" "linux.sysctl: net.ipv4.tcp_wobble = '1': the sandbox has no such setting"
bad sysctl_directory "$(sysctl net.ipv4 1)" "linux.sysctl: net.ipv4 = '1': the sandbox has no such setting"
box sysctl_mqueue 7 "$(sysctl fs.mqueue.queues_max 7)" 'cat /proc/sys/fs/mqueue/queues_max'
bad sysctl_value "$(sysctl kernel.shmmni many)" "linux.sysctl: kernel.shmmni = 'many': the value is not valid"
bad sysctl_readonly "$(sysctl kernel.shm_rmid_forced 1)" 'it cannot be changed here'
bad sysctl_not_namespaced "$(sysctl vm.swappiness 1)" "linux.sysctl: 'vm.swappiness' is not of a namespace"

echo "1..$n"
