#!/bin/sh
# linux.uidMappings: what is N on the host is 0 inside, in both kinds of file systems.
set -u
n=0
busybox=$(command -v busybox) || { echo "1..0 # SKIP no busybox"; exit 0; }
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP only root may give files away"; exit 0; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"
mkdir -p "$dir/rootfs/bin" "$dir/rootfs/etc" "$dir/rootfs/home" "$dir/vol"
cp "$busybox" "$dir/rootfs/bin/busybox"
for a in sh cat echo stat touch chown mkdir id ls tr awk ln rm; do ln -s busybox "$dir/rootfs/bin/$a"; done
echo secret >"$dir/rootfs/etc/key"
chmod 600 "$dir/rootfs/etc/key"
echo foreign >"$dir/rootfs/etc/foreign"
echo mine >"$dir/vol/mine"
chown -R 100000:200000 "$dir/rootfs" "$dir/vol"
chown 0:0 "$dir/rootfs/etc/foreign"
chown 101000:201000 "$dir/rootfs/home"

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '# %s\n' "$@"; }

# run USER SCRIPT
run() {
	esc=$(printf '%s' "$2" | sed 's/[\\"]/\\&/g')
	cat >"$dir/config.json" <<-J
	{"ociVersion": "1.0.2",
	 "process": {"user": $1, "args": ["sh", "-c", "$esc"], "env": ["PATH=/bin"], "cwd": "/",
	  "capabilities": {"bounding": ["CAP_CHOWN", "CAP_FOWNER"], "permitted": ["CAP_CHOWN", "CAP_FOWNER"], "effective": ["CAP_CHOWN", "CAP_FOWNER"]}},
	 "root": {"path": "rootfs"},
	 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
	            {"destination": "/v", "source": "$dir/vol", "options": ["rbind"]}],
	 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "user"}],
	  "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 1000}, {"containerID": 1000, "hostID": 101000, "size": 1}],
	  "gidMappings": [{"containerID": 0, "hostID": 200000, "size": 2000}]}}
	J
	timeout -k 5 60 "$VEDETTE" run --bundle "$dir" "box$$" 2>"$dir/err" </dev/null
}
root='{"uid": 0, "gid": 0}'
box() {
	got=$(run "$3" "$4")
	status=$?
	if [ "$got" = "$2" ]; then ok "$1"; else
		not_ok "$1" "status $status: $got" "wanted: $2" "$(cat "$dir/err")"; fi
}
host() { got=$(stat -c %u:%g "$3"); if [ "$got" = "$2" ]; then ok "$1"; else not_ok "$1" "$got" "wanted: $2"; fi; }

box owner_is_root 0:0 "$root" 'stat -c %u:%g /bin/busybox'
box owner_of_second_range 1000:1000 "$root" 'stat -c %u:%g /home'
box stranger_is_overflow 65534:65534 "$root" 'stat -c %u:%g /etc/foreign'
box root_reads_its_own secret "$root" 'cat /etc/key'
box others_do_not 1 '{"uid": 1000, "gid": 1000}' 'cat /etc/key 2>/dev/null; echo $?'
box volume_owner 0:0 "$root" 'stat -c %u:%g /v/mine'
box listing '0 0' "$root" 'ls -ln /v | awk "/mine/ {print \$3, \$4}"'
box new_in_volume 0:0 "$root" 'echo x >/v/new; mkdir /v/dir; ln -s x /v/link; stat -c %u:%g /v/new'
host new_file_is_mapped 100000:200000 "$dir/vol/new"
host new_directory_is_mapped 100000:200000 "$dir/vol/dir"
host new_link_is_mapped 100000:200000 "$dir/vol/link"
box chown_in_volume 1000:7 "$root" 'chown 1000:7 /v/mine; stat -c %u:%g /v/mine'
host chown_is_mapped 101000:200007 "$dir/vol/mine"
box chown_to_nobody_mapped '1 1000:7' "$root" 'chown 5000 /v/mine 2>/dev/null; echo $? $(stat -c %u:%g /v/mine)'
box chgrp_keeps_owner 1000:9 "$root" 'chown :9 /v/mine; stat -c %u:%g /v/mine'
host chgrp_is_mapped 101000:200009 "$dir/vol/mine"
box as_user 1000:1000 '{"uid": 1000, "gid": 1000}' 'echo x >/home/mine; stat -c %u:%g /home/mine'
box uid_map '0 100000 1000, 1000 101000 1, ' "$root" 'awk "{printf \"%d %d %d, \", \$1, \$2, \$3}" /proc/self/uid_map'
box gid_map '0 200000 2000, ' "$root" 'awk "{printf \"%d %d %d, \", \$1, \$2, \$3}" /proc/self/gid_map'

bad() {
	run "$2" true >/dev/null
	got=$?
	if [ $got -eq 1 ] && grep -qF -- "$3" "$dir/err"; then ok "$1"; else not_ok "$1" "status $got" "$(cat "$dir/err")"; fi
}
bad unmapped_user '{"uid": 1001, "gid": 0}' 'process.user.uid: no element of linux.uidMappings maps 1001'
bad unmapped_group '{"uid": 0, "gid": 2000}' 'process.user.gid: no element of linux.gidMappings maps 2000'
bad unmapped_more '{"uid": 0, "gid": 0, "additionalGids": [5, 3000]}' 'process.user.additionalGids[1]: no element of linux.gidMappings maps 3000'

echo "1..$n"
