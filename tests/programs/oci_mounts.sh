#!/bin/sh
# mounts of config.json: what each option does, and targets that images try to trick with.
set -u
n=0
busybox=$(command -v busybox) || { echo "1..0 # SKIP no busybox"; exit 0; }
dir=$(mktemp -d)
trap 'umount -l "$dir/vol/inner" 2>/dev/null; rm -rf "$dir"' EXIT
mkdir -p "$dir/rootfs/bin" "$dir/rootfs/etc" "$dir/rootfs/data/sub" "$dir/rootfs/run" "$dir/vol/inner" "$dir/outside"
cp "$busybox" "$dir/rootfs/bin/busybox"
for a in sh cat echo grep ls stat touch mkdir rm mount awk tr readlink ln sort df sed test mknod chmod; do
	ln -s busybox "$dir/rootfs/bin/$a"
done
echo image >"$dir/rootfs/data/file"
echo below >"$dir/rootfs/data/sub/deep"
chmod 751 "$dir/rootfs/data"
chmod 755 "$dir/rootfs/run"
echo volume >"$dir/vol/file"
echo under >"$dir/vol/inner/under"
ln -s file "$dir/vol/link"
echo untouched >"$dir/outside/file"

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '# %s\n' "$@"; }

# run MOUNTS SCRIPT [ROOT-MORE]
run() {
	esc=$(printf '%s' "$2" | sed 's/[\\"]/\\&/g')
	cat >"$dir/config.json" <<-J
	{"ociVersion": "1.0.2",
	 "process": {"user": {"uid": 0, "gid": 0}, "args": ["sh", "-c", "$esc"], "env": ["PATH=/bin"], "cwd": "/",
	  "capabilities": {"bounding": ["CAP_SYS_ADMIN", "CAP_MKNOD", "CAP_DAC_OVERRIDE"], "permitted": ["CAP_SYS_ADMIN", "CAP_MKNOD", "CAP_DAC_OVERRIDE"], "effective": ["CAP_SYS_ADMIN", "CAP_MKNOD", "CAP_DAC_OVERRIDE"]}},
	 "root": {"path": "rootfs"${3:-}},
	 "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}${1:+, $1}],
	 "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}]}}
	J
	timeout -k 5 60 "$VEDETTE" run --bundle "$dir" "box$$" 2>"$dir/err" </dev/null
}
box() {
	got=$(run "$3" "$4" "${5:-}")
	status=$?
	if [ "$got" = "$2" ]; then ok "$1"; else
		not_ok "$1" "status $status: $got" "wanted: $2" "$(cat "$dir/err")"; fi
}
bad() { # NAME MOUNTS TEXT
	run "$2" true >/dev/null
	got=$?
	if [ $got -ne 0 ] && [ "$(grep -vc ' warning: ' "$dir/err")" -eq 1 ] && grep -qF -- "$3" "$dir/err"; then ok "$1"; else
		not_ok "$1" "status $got" "wanted: $3" "$(cat "$dir/err")"; fi
}
warns() { # NAME MOUNTS TEXT
	run "$2" true >/dev/null
	if [ $? -eq 0 ] && grep -qF -- "$3" "$dir/err"; then ok "$1"; else not_ok "$1" "$(cat "$dir/err")"; fi
}
m() { echo "{\"destination\": \"$1\", \"type\": \"$2\", \"source\": \"$3\", \"options\": [$4]}"; }
bind() { m "$1" bind "$2" "$3"; }
tmp() { m "$1" tmpfs tmpfs "$2"; }
options="awk '\$2 == \"/t\" {print \$3, \$4}' /proc/mounts"

# flags
box default_flags 'tmpfs rw,relatime' "$(tmp /t '')" "$options"
box all_flags 'tmpfs ro,nosuid,nodev,noexec,noatime,nodiratime' "$(tmp /t '"ro","nosuid","nodev","noexec","noatime","nodiratime"')" "$options"
box strictatime 'tmpfs rw' "$(tmp /t '"strictatime"')" "$options"
box later_wins 'tmpfs rw,relatime' "$(tmp /t '"ro","rw","nosuid","suid","noexec","exec"')" "$options"
box recursive_flags 'tmpfs ro,nosuid,noatime' "$(tmp /t '"rro","rnosuid","rnoatime"')" "$options"
box nosymfollow 'tmpfs rw,relatime,nosymfollow 1' "$(tmp /t '"nosymfollow"')" \
	"echo \$($options) \$(ln -s /data /t/l; cat /t/l/file 2>/dev/null; echo \$?)"
box ro_refuses 1 "$(tmp /t '"ro"')" '(echo x >/t/x) 2>/dev/null; echo $?'

# tmpfs
box tmpfs_options 'tmpfs rw,relatime,size=1024k,nr_inodes=20,mode=700,uid=7,gid=8 700 7 8' \
	"$(tmp /t '"size=1m","mode=700","uid=7","gid=8","nr_inodes=20"')" "echo \$($options) \$(stat -c '%a %u %g' /t)"
box tmpfs_size_holds 1 "$(tmp /t '"size=64k"')" '(cat /bin/busybox >/t/x) 2>/dev/null; echo $?'
box tmpfs_nr_inodes_holds 1 "$(tmp /t '"nr_inodes=3"')" 'touch /t/a /t/b /t/c 2>/dev/null; echo $?'
box tmpfs_new_is_sticky 1777 "$(tmp /t '')" 'stat -c %a /t'
box tmpfs_keeps_the_mode 751 "$(tmp /data '')" 'stat -c %a /data'
box tmpfs_mode_is_stronger 700 "$(tmp /data '"mode=700"')" 'stat -c %a /data'
box tmpfs_covers '' "$(tmp /data '')" 'ls /data'
box tmpcopyup 'image below 751' "$(tmp /data '"tmpcopyup"')" 'echo $(cat /data/file /data/sub/deep; stat -c %a /data)'
box tmpcopyup_is_a_tmpfs 'tmpfs new image' "$(tmp /data '"tmpcopyup","size=1m"')" \
	'echo new >/data/file; echo $(awk "\$2 == \"/data\" {print \$3}" /proc/mounts; cat /data/file) $(cat /lower/file 2>/dev/null || echo image)'
[ "$(cat "$dir/rootfs/data/file")" = image ] && ok tmpcopyup_leaves_the_image || not_ok tmpcopyup_leaves_the_image
box tmpcopyup_of_nothing 1777 "$(tmp /nothing '"tmpcopyup"')" 'stat -c %a /nothing'
bad tmpcopyup_elsewhere "$(bind /v "$dir/vol" '"bind"'), $(tmp /v/inner '"tmpcopyup"')" 'tmpcopyup copies from the root file system only'
bad tmpcopyup_of_proc '{"destination": "/x", "type": "proc", "source": "proc", "options": ["tmpcopyup"]}' 'the option tmpcopyup is for a tmpfs'
bad size_garbage "$(tmp /t '"size=-5"')" 'mount of tmpfs on /t: Invalid argument'

# other types
box proc_subset 'proc rw,relatime,subset=pid 1 1 self' "$(m /p proc proc '"subset=pid"')" \
	'echo $(awk "\$2 == \"/p\" {print \$3, \$4}" /proc/mounts) $(cat /p/uptime 2>/dev/null; echo $?) $(ls -d /p/1 | grep -c .) $(ls /p | grep self | grep -v thread)'
box proc_hidepid 'rw,relatime,gid=5,hidepid=invisible 1' "$(m /p proc proc '"hidepid=2","gid=5"')" \
	'echo $(awk "\$2 == \"/p\" {print \$4}" /proc/mounts) $(ls -d /p/1 | grep -c .)'
bad proc_hidepid_unknown "$(m /p proc proc '"hidepid=3"')" 'mount of proc on /p: Invalid argument'
box sysfs sysfs "$(m /s sysfs sysfs '"ro","nosuid"')" 'awk "\$2 == \"/s\" {print \$3}" /proc/mounts'
box cgroup_is_version_2 cgroup2 "$(m /cg cgroup cgroup '"ro","nosuid","relatime"')" 'awk "\$2 == \"/cg\" {print \$3}" /proc/mounts'
box cgroup2 cgroup2 "$(m /cg cgroup2 cgroup '"rprivate","ro"')" 'awk "\$2 == \"/cg\" {print \$3}" /proc/mounts'
box mqueue_shows_queues 'mqueue x QSIZE:0' "$(m /dev/mqueue mqueue mqueue '"nosuid"')" \
	': >/dev/mqueue/x; echo $(awk "\$2 == \"/dev/mqueue\" {print \$3}" /proc/mounts) $(ls /dev/mqueue) $(cut -d" " -f1 /dev/mqueue/x)'
box devpts 'devpts' "$(m /dev tmpfs tmpfs '"mode=755"'), $(m /dev/pts devpts devpts '"newinstance","ptmxmode=0666","mode=0620","gid=5"')" \
	'awk "\$2 == \"/dev/pts\" {print \$3}" /proc/mounts'

# binds
mount -t tmpfs inner "$dir/vol/inner" 2>/dev/null && echo mounted >"$dir/vol/inner/on-top"
if [ -e "$dir/vol/inner/on-top" ]; then
	box rbind_brings_mounts on-top "$(bind /v "$dir/vol" '"rbind"')" 'ls /v/inner'
	box bind_leaves_mounts under "$(bind /v "$dir/vol" '"bind"')" 'ls /v/inner'
	box rbind_rro '1 1' "$(bind /v "$dir/vol" '"rbind","rro"')" '(echo >/v/x) 2>/dev/null; a=$?; (echo >/v/inner/x) 2>/dev/null; echo $a $?'
fi
box bind_propagation ok "$(bind /v "$dir/vol" '"rbind","rprivate"'), $(bind /w "$dir/vol" '"rbind","rslave"'), $(bind /x "$dir/vol" '"rbind","unbindable"')" 'test -e /v/file -a -e /w/file -a -e /x/file && echo ok'
warns shared_is_said "$(bind /v "$dir/vol" '"rbind","rshared"')" "option 'rshared' works in one direction"
warns sync_is_said "$(bind /v "$dir/vol" '"bind","sync"')" "option 'sync' has no effect"
box bind_type_is_optional volume "{\"destination\": \"/v\", \"source\": \"$dir/vol\", \"options\": [\"bind\"]}" 'cat /v/file'
box bind_nosymfollow 1 "$(bind /v "$dir/vol" '"bind","ro","nosymfollow"')" 'cat /v/link 2>/dev/null; echo $?'
box mountinfo_has_the_path "$dir/vol $dir/vol/inner" "$(bind /v "$dir/vol" '"bind"')" \
	'mkdir /w; mount --bind /v/inner /w; echo $(awk "\$5 == \"/v\" || \$5 == \"/w\" {print \$4}" /proc/self/mountinfo)'
warns data_on_a_bind "$(bind /v "$dir/vol" '"bind","mode=755","size=1k"')" "option 'mode=755' has no effect on a bind"
bad typo_on_a_bind "$(bind /v "$dir/vol" '"bind","nosiud"')" "unknown option 'nosiud' for a mount of type bind"
box bind_of_a_device 'character 1:5 0' "$(bind /dev/mine /dev/zero '"bind"')" \
	'echo $(stat -c "%F" /dev/mine | cut -d" " -f1 2>/dev/null || stat -c %F /dev/mine | sed "s/ .*//") $(stat -c %t:%T /dev/mine) $(read -r -n1 x </dev/mine; echo 0)' 
box file_on_file volume "$(bind /etc/new/name "$dir/vol/file" '"bind"')" 'cat /etc/new/name'
bad directory_on_file "$(bind /data/file "$dir/vol" '"bind"')" 'a directory cannot be mounted on a file'
bad file_as_parent "$(bind /data/file/x "$dir/vol" '"bind"')" 'a directory cannot be mounted on a file'

# targets
box target_is_made volume "$(bind /a/b/c "$dir/vol" '"bind"')" 'cat /a/b/c/file'
box target_over_target image "$(bind /v "$dir/vol" '"bind"'), $(bind /v "$dir/rootfs/data" '"bind"')" 'cat /v/file'
ln -s "$dir/outside" "$dir/rootfs/abs"
ln -s ../../../../../../../../../..$dir/outside "$dir/rootfs/up"
ln -s /loop2 "$dir/rootfs/loop1"
ln -s /loop1 "$dir/rootfs/loop2"
ln -s sub "$dir/rootfs/data/rel"
box link_stays_inside volume "$(bind /abs/x "$dir/vol" '"bind"')" "cat $dir/outside/x/file"
box dots_stay_inside volume "$(bind /up/y "$dir/vol" '"bind"')" "cat $dir/outside/y/file"
box dotdot_stays_inside volume "$(bind /../../z "$dir/vol" '"bind"')" 'cat /z/file'
box link_relative volume "$(bind /data/rel "$dir/vol" '"bind"')" 'cat /data/sub/file'
box link_to_new_file volume "$(bind /abs "$dir/vol/file" '"bind"')" "cat $dir/outside"
bad link_loop "$(bind /loop1/x "$dir/vol" '"bind"')" 'too many symbolic links'
[ "$(ls "$dir/outside")" = file ] && ok outside_untouched || not_ok outside_untouched "$(ls "$dir/outside")"
[ ! -e "$dir/rootfs/a" ] && ok image_untouched || not_ok image_untouched
bad bad_option "$(tmp /t '"size=1m","wobble"')" "unknown option 'wobble' for a mount of type tmpfs"
bad idmap "{\"destination\": \"/v\", \"source\": \"$dir/vol\", \"options\": [\"bind\"], \"uidMappings\": [{\"containerID\": 0, \"hostID\": 1, \"size\": 1}]}" 'mounts[1].uidMappings: is not supported'
bad overlay_type "$(m /o overlay overlay '"lowerdir=/a"')" "unknown type 'overlay'"
box readonly_root_can_mount volume "$(bind /made/here "$dir/vol" '"bind"')" 'cat /made/here/file' ', "readonly": true'

echo "1..$n"
