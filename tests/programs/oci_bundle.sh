#!/bin/sh
# A bundle with a busybox root: config.json is what the container is.
set -u
n=0
busybox=$(command -v busybox) || { echo "1..0 # SKIP no busybox"; exit 0; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/rootfs/bin" "$dir/rootfs/etc" "$dir/rootfs/data" "$dir/vol/sub"
cp "$busybox" "$dir/rootfs/bin/busybox"
for a in sh cat echo id ls mount touch rm mkdir hostname uname stat ps env sleep kill true dd test pwd grep; do
	ln -s busybox "$dir/rootfs/bin/$a"
done
printf 'root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n' >"$dir/rootfs/etc/passwd"
echo original >"$dir/rootfs/data/file"
echo volume >"$dir/vol/sub/file"
echo single >"$dir/one"

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '# %s\n' "$@"; }

"$VEDETTE" spec --bundle "$dir" </dev/null || echo "# spec failed"
cp "$dir/config.json" "$dir/default"

# box NAME WANTED SED SCRIPT [OPTION...]: what the script prints in a container, config.json changed by SED.
box() {
	name=$1 want=$2 sed=$3 script=$4
	shift 4
	esc=$(printf '%s' "$script" | sed 's/[\\&|"]/\\&/g; s/\\"/\\\\"/g')
	sed -e "s|\[\"sh\"\]|[\"sh\", \"-c\", \"$esc\"]|" -e "$sed" "$dir/default" >"$dir/config.json"
	got=$(timeout -k 5 60 "$VEDETTE" run "$@" --bundle "$dir" box 2>"$dir/err" </dev/null)
	status=$?
	if [ "$got" = "$want" ]; then ok "$name"; else
		not_ok "$name" "status $status: $got" "wanted: $want" "$(cat "$dir/err")"; fi
}

box echo hello '' 'echo hello'
box pid_is_1 1 '' 'echo $$'
box hostname vedette '' hostname
box hostname_set other 's|"hostname": "vedette"|"hostname": "other"|' 'uname -n'
box user 'uid=1000 gid=7 groups=7,8,9' 's|"uid": 0, "gid": 0|"uid": 1000, "gid": 7, "additionalGids": [9, 8]|' \
	'echo uid=$(id -u) gid=$(id -g) groups=$(id -G | tr " " ,)'
box home_of_root /root '' 'echo $HOME'
box home_of_user /home/ann 's|"uid": 0, "gid": 0|"uid": 1000, "gid": 1000|' 'echo $HOME'
box home_set /elsewhere 's|"TERM=xterm"|"HOME=/elsewhere"|' 'echo $HOME'
box env xterm '' 'echo $TERM'
box cwd /data 's|"cwd": "/"|"cwd": "/data"|' pwd
box cwd_is_made /made/deep 's|"cwd": "/"|"cwd": "/made/deep"|' pwd
box umask 0077 's|"uid": 0, "gid": 0|"uid": 0, "gid": 0, "umask": 63|' umask
box umask_default 0022 '' umask
box rlimit 1024 '' 'ulimit -n'
box no_new_privs 'NoNewPrivs: 1' '' "grep NoNewPrivs /proc/self/status | tr '\t' ' '"
box caps_of_root 'CapBnd: 00000000800405fb' '' "grep CapBnd /proc/self/status | tr '\t' ' '"
box caps_none 'CapEff: 0000000000000000' 's|"CAP_[A-Z_"]*",*||g; s|"CAP_[A-Z_]*"||g' "grep CapEff /proc/self/status | tr '\t' ' '"

box root_writes_stay_in_memory changed '' 'echo changed >/data/file; cat /data/file'
[ "$(cat "$dir/rootfs/data/file")" = original ] && ok root_is_unchanged || not_ok root_is_unchanged
box root_readonly '1 original' 's|"readonly": false|"readonly": true|' \
	'(echo x >/data/file) 2>/dev/null; echo $? $(cat /data/file)'
box root_readonly_tmpfs_writes in 's|"readonly": false|"readonly": true|' 'echo in >/dev/shm/x; cat /dev/shm/x'

bind() { # SOURCE DESTINATION OPTIONS: a sed script that adds a mount
	echo "s|\"mounts\": \[|\"mounts\": [{\"destination\": \"$2\", \"type\": \"bind\", \"source\": \"$1\", \"options\": [$3]},|"
}
box bind_ro volume "$(bind "$dir/vol" /v '"rbind", "ro"')" 'cat /v/sub/file'
box bind_relative_source volume "$(bind vol /v '"bind", "ro"')" 'cat /v/sub/file'
box bind_file single "$(bind "$dir/one" /etc/one '"bind", "ro"')" 'cat /etc/one'
box bind_over_file single "$(bind "$dir/one" /data/file '"bind", "ro"')" 'cat /data/file'
box bind_ro_refuses '1' "$(bind "$dir/vol" /v '"bind", "ro"')" '(echo x >/v/new) 2>/dev/null; echo $?'
box bind_ro_file_refuses '1' "$(bind "$dir/one" /etc/one '"bind", "ro"')" '(echo x >/etc/one) 2>/dev/null; echo $?'
box bind_ro_is_live later "$(bind "$dir/vol" /v '"bind", "ro"'); $(bind "$dir/vol" /w '"bind"')" \
	'test -e /v/late; echo later >/w/late; cat /v/late'
box bind_overlay_all new "$(bind "$dir/vol" /v '"bind", "rw"')" 'echo new >/v/new; cat /v/new' --overlay=all
[ ! -e "$dir/vol/new" ] && ok bind_overlay_all_keeps_out || not_ok bind_overlay_all_keeps_out
box bind_rw written "$(bind "$dir/vol" /v '"bind", "rw"')" 'echo written >/v/out; cat /v/out'
[ "$(cat "$dir/vol/out" 2>/dev/null)" = written ] && ok bind_rw_writes_through || not_ok bind_rw_writes_through
box bind_rw_file both "$(bind "$dir/one" /etc/one '"bind"')" 'echo both >/etc/one; cat /etc/one'
[ "$(cat "$dir/one")" = both ] && ok bind_rw_file_writes_through || not_ok bind_rw_file_writes_through
[ -z "$(find "$dir/rootfs" -newer "$dir/default" ! -path "$dir/rootfs/etc/one")" ] && ok host_root_untouched ||
	not_ok host_root_untouched "$(find "$dir/rootfs" -newer "$dir/default")"
box overlay_none through '' 'echo through >/data/new; cat /data/new' --overlay=none
[ "$(cat "$dir/rootfs/data/new" 2>/dev/null)" = through ] && ok overlay_none_writes_through || not_ok overlay_none_writes_through
box bind_noexec 126 "$(bind "$dir/rootfs/bin" /v '"bind", "ro", "noexec"')" '/v/busybox true 2>/dev/null; echo $?'

box masked_file '0' 's|"maskedPaths": \[|&"/etc/passwd", |' 'cat /etc/passwd | dd 2>/dev/null | wc -c; ' 
box masked_dir '' 's|"maskedPaths": \[|&"/data", |' 'ls /data'
box readonly_path '1 original' 's|"readonlyPaths": \[|&"/data", |' '(echo x >/data/file) 2>/dev/null; echo $? $(cat /data/file)'
box tmpfs_is_there tmpfs "s|\"mounts\": \[|&{\"destination\": \"/scratch/a\", \"type\": \"tmpfs\", \"source\": \"tmpfs\"},|" \
	'touch /scratch/a/x; mount | grep " /scratch/a " | { read -r a b; echo $a; }'
box devices 'ok' '' 'for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done; echo ok'
box pids_limit 2 's|"linux": {|&"resources": {"pids": {"limit": 5}},|' \
	'(for i in 1 2 3 4 5 6 7 8; do sleep 100 & done) 2>/dev/null; echo $?'
box links_of_dev '/proc/self/fd' '' 'readlink /dev/fd 2>/dev/null || ls -l /dev/fd | grep -o "/proc/self/fd"'

sed 's|"sh"|"nosuch"|' "$dir/default" >"$dir/config.json"
timeout -k 5 60 "$VEDETTE" run --bundle "$dir" box 2>"$dir/err" </dev/null
[ $? -eq 127 ] && grep -q 'nosuch: executable file not found' "$dir/err" && ok missing_127 || not_ok missing_127 "$(cat "$dir/err")"
sed 's|"sh"|"/etc"|' "$dir/default" >"$dir/config.json"
timeout -k 5 60 "$VEDETTE" run --bundle "$dir" box 2>"$dir/err" </dev/null
[ $? -eq 126 ] && ok directory_126 || not_ok directory_126 "$(cat "$dir/err")"
sed 's|\["sh"\]|["sh", "-c", "exit 42"]|' "$dir/default" >"$dir/config.json"
timeout -k 5 60 "$VEDETTE" run --bundle "$dir" box </dev/null
[ $? -eq 42 ] && ok exit_42 || not_ok exit_42
(cd "$dir" && timeout -k 5 60 "$VEDETTE" run box </dev/null)
[ $? -eq 42 ] && ok bundle_defaults_to_cwd || not_ok bundle_defaults_to_cwd
sed 's|\["sh"\]|["sh", "-c", "kill -9 $$; exit 3"]|' "$dir/default" >"$dir/config.json"
timeout -k 5 60 "$VEDETTE" run --bundle "$dir" box </dev/null
[ $? -eq 3 ] && ok pid_1_is_protected_from_itself || not_ok pid_1_is_protected_from_itself
"$VEDETTE" spec --bundle "$dir" 2>"$dir/err" </dev/null
[ $? -eq 1 ] && grep -q 'exists; remove it first' "$dir/err" && ok spec_overwrites_nothing || not_ok spec_overwrites_nothing

echo "1..$n"
