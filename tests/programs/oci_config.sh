#!/bin/sh
# What `vedette run` says to a config.json that is wrong: file, field, and status 1.
set -u
n=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/rootfs"
export VEDETTE

ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; shift; printf '# %s\n' "$@"; }

# bad NAME TEXT: running config.json fails with status 1 and one line that contains TEXT.
bad() {
	timeout -k 5 60 "$VEDETTE" run --bundle "$dir" box >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	grep -v ' warning: ' "$dir/err" >"$dir/lines"
	if [ $got -ne 1 ]; then
		not_ok "$1" "status $got" "$(cat "$dir/err")"
	elif [ "$(grep -c . "$dir/lines")" -ne 1 ]; then
		not_ok "$1" "not one line:" "$(cat "$dir/err")"
	elif ! grep -qF -- "$2" "$dir/lines"; then
		not_ok "$1" "no '$2' in: $(cat "$dir/lines")"
	else
		ok "$1"
	fi
}

# with NAME SED-SCRIPT TEXT: the good configuration, changed.
with() {
	sed "$2" "$dir/good" >"$dir/config.json"
	bad "$1" "$3"
}

cat >"$dir/good" <<'J'
{
  "ociVersion": "1.0.2",
  "process": {
    "terminal": false,
    "user": {"uid": 0, "gid": 0, "additionalGids": [5, 6], "umask": 18},
    "args": ["/bin/true"],
    "env": ["PATH=/bin"],
    "cwd": "/",
    "capabilities": {"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"]},
    "rlimits": [
      {"type": "RLIMIT_CORE", "soft": 0, "hard": 18446744073709551615},
      {"type": "RLIMIT_NPROC", "soft": 10, "hard": 20},
      {"type": "RLIMIT_NOFILE", "soft": 512, "hard": 1024}
    ]
  },
  "root": {"path": "rootfs"},
  "mounts": [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=1m"]}
  ],
  "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}]}
}
J
f=$dir/config.json

rm -f "$f"
bad no_file "cannot read $f: No such file"
mkdir "$f"
bad a_directory "cannot read $f: not a regular file"
rmdir "$f"
: >"$f"
bad empty_file "$f: line 1, column 0:"
head -c 300 "$dir/good" >"$f"
bad truncated "$f: line 9, column 9"
printf '{"a": 1,}' >"$f"
bad trailing_comma "$f: line 1, column 9: "
printf '{"a": 1, "a": 2}' >"$f"
bad duplicate_key 'duplicate object key'
printf '\377\376{}' >"$f"
bad not_utf8 'line 1'
echo '[1]' >"$f"
bad top_is_array "$f: must be an object, not an array"
echo '{}' >"$f"
bad empty_object 'ociVersion: is missing'
yes '[' | head -5000 | tr -d '\n' >"$f"
bad deep 'maximum parsing depth'

with version_missing '/ociVersion/d' 'ociVersion: is missing'
with version_number 's/"1.0.2"/1/' 'ociVersion: must be a string, not a number'
with version_other 's/"1.0.2"/"2.0"/' "version '2.0' is not supported"
with root_missing '/"root"/d' 'root: is missing'
with root_path_missing 's/"path": "rootfs"//' 'root.path: is missing'
with root_nowhere 's/"rootfs"/"nowhere"/' "root.path: cannot open 'nowhere': No such file"
with root_is_file 's/"rootfs"/"good"/' "root.path: 'good' is not a directory"
with args_missing '/"args"/d' 'process.args: is missing'
with args_empty 's/\["\/bin\/true"\]/[]/' 'process.args: is empty'
with args_null 's/\["\/bin\/true"\]/null/' 'process.args: is missing'
with args_type 's/"\/bin\/true"/"\/bin\/true", 7/' 'process.args[1]: must be a string, not a number'
with env_type 's/\["PATH=\/bin"\]/"x"/' 'process.env: must be an array, not a string'
with env_no_value 's/PATH=\/bin/PATH/' 'process.env: element 0 is not NAME=VALUE'
with cwd_relative 's/"cwd": "\/"/"cwd": "tmp"/' "process.cwd: must be an absolute path, not 'tmp'"
with cwd_missing '/"cwd"/d' 'process.cwd: is missing'
with uid_negative 's/"uid": 0/"uid": -1/' 'process.user.uid: must be a whole number'
with uid_fraction 's/"uid": 0/"uid": 0.5/' 'process.user.uid: must be a whole number'
with uid_huge 's/"uid": 0/"uid": 4294967296/' 'process.user.uid: must be at most 4294967295'
with uid_none 's/"uid": 0/"uid": 4294967295/' 'process.user.uid: must be at most 4294967294'
with uid_string 's/"uid": 0/"uid": "root"/' 'process.user.uid: must be a number, not a string'
with gids_type 's/\[5, 6\]/[5, true]/' 'process.user.additionalGids[1]: must be a number, not true'
with umask_huge 's/"umask": 18/"umask": 512/' 'process.user.umask: must be at most 511'
with rlimit_type 's/RLIMIT_NOFILE/RLIMIT_FILES/' "process.rlimits[2].type: unknown resource limit 'RLIMIT_FILES'"
with rlimit_twice 's/RLIMIT_NPROC/RLIMIT_CORE/' 'process.rlimits: element 1 sets a limit for the second time'
with rlimit_soft 's/"soft": 512/"soft": 2048/' 'process.rlimits[2]: the soft limit is above the hard limit'
with rlimit_negative 's/"soft": 512/"soft": -1/' 'process.rlimits[2].soft: must be a whole number'
with rlimit_no_hard 's/, "hard": 20//' 'process.rlimits[1].hard: is missing'
with caps_effective 's/"permitted": \["CAP_KILL"\]/"permitted": []/' 'process.capabilities: effective has capabilities that permitted lacks'
with oom_score 's/"terminal": false/"oomScoreAdj": 1001/' 'process.oomScoreAdj: must be from -1000 to 1000'
with mount_type 's/"type": "tmpfs"/"type": "ext4"/' "mounts[1]: unknown type 'ext4'"
with mount_no_type 's/"type": "tmpfs", //' 'mounts[1]: type is missing'
with mount_relative 's/"\/t"/"t"/' "mounts[1].destination: must be an absolute path, not 't'"
with mount_option 's/"nosuid"/"nosiud"/' "mounts[1]: unknown option 'nosiud' for a mount of type tmpfs"
with mount_refused 's/"nosuid"/"idmap"/' "mounts[1]: option 'idmap' is not supported"
with mount_data 's/size=1m/size=many/' 'mount of tmpfs on /t: Invalid argument'
with bind_no_source 's/"type": "tmpfs", "source": "tmpfs", "options": \[.*\]/"options": ["bind"]/' 'mounts[1]: a bind mount needs a source'
with bind_nowhere 's/"type": "tmpfs", "source": "tmpfs", "options": \[.*\]/"source": "nowhere", "options": ["bind","ro"]/' "mounts[1].source: cannot open 'nowhere': No such file"
mkfifo "$dir/fifo"
with bind_fifo 's/"type": "tmpfs", "source": "tmpfs", "options": \[.*\]/"source": "fifo", "options": ["bind","ro"]/' "mounts[1].source: 'fifo' is a fifo"
with namespace_type 's/"type": "pid"/"type": "net"/' "linux.namespaces[0].type: unknown namespace 'net'"
with namespace_path 's/"type": "pid"/"type": "pid", "path": "\/proc\/1\/ns\/pid"/' 'linux.namespaces: joining the pid namespace /proc/1/ns/pid is not supported'
with namespace_twice 's/"type": "mount"/"type": "pid"/' "linux.namespaces: 'pid' is there twice"
with hooks 's/"root"/"hooks": {"startContainer": [{"path": "bin\/true"}]}, "root"/' "hooks.startContainer[0].path: must be an absolute path, not 'bin/true'"
with id_mapping 's/"namespaces"/"uidMappings": [{"containerID": 0, "hostID": 1000, "size": 1}], "namespaces"/' 'linux.uidMappings needs a new user namespace'
with id_mapping_half 's/{"type": "pid"}/{"type": "user"}/' 'a user namespace needs linux.uidMappings and linux.gidMappings'
with hostname_without 's/"mounts"/"hostname": "x", "mounts"/' 'hostname needs a new uts namespace'
with masked_without 's/"namespaces": \[.*\]/"maskedPaths": ["\/x"]/' 'linux.maskedPaths needs a new mount namespace'
with apparmor 's/"terminal": false/"apparmorProfile": "mine"/' "process.apparmorProfile: 'mine'"
with selinux 's/"terminal": false/"selinuxLabel": "a:b:c:d"/' "process.selinuxLabel: 'a:b:c:d'"
with process_missing 's/"process"/"x"/' 'process: is missing'
with personality 's/"namespaces"/"personality": {"domain": "BSD"}, "namespaces"/' "linux.personality: unknown domain 'BSD'"
with scheduler 's/"terminal": false/"scheduler": {"policy": "SCHED_DEADLINE"}/' "the policy 'SCHED_DEADLINE' is not supported"
with escapes 's/RLIMIT_NPROC/\\u001b[31m/' "unknown resource limit '?[31m'"

# ids: characters as runc takes them
cp "$dir/good" "$f"
for id in a/b .. . '' 'a b' /abs 'ü' "$(printf '%02000d' 0)"; do
	timeout -k 5 60 "$VEDETTE" run --bundle "$dir" "$id" >"$dir/out" 2>"$dir/err" </dev/null
	got=$?
	[ $got -eq 1 ] && grep -q 'is no container ID' "$dir/err" &&
		ok "id_$(printf %.8s "$id" | tr -c 'a-z.' _)" || not_ok "id_$id" "status $got" "$(cat "$dir/err")"
done
timeout -k 5 60 "$VEDETTE" run --bundle /nonexistent box 2>"$dir/err"
[ $? -eq 1 ] && grep -q "cannot open the bundle '/nonexistent'" "$dir/err" && ok no_bundle || not_ok no_bundle

# So is a label of files, which have none inside: it lets in, and confines nobody.
sed 's/"namespaces"/"mountLabel": "a:b:c:d", "namespaces"/' "$dir/good" >"$f"
timeout -k 5 60 "$VEDETTE" run --bundle "$dir" box 2>"$dir/err" </dev/null
got=$?
grep -qF "warning: $f: linux.mountLabel: 'a:b:c:d' has no effect" "$dir/err" && [ $got -eq 127 ] &&
	ok mount_label_warns || not_ok mount_label_warns "status $got" "$(cat "$dir/err")"

# Unknown fields are a warning, and the container runs (to find no program in the empty root).
sed 's/"cwd"/"cdw": 1, "cwd"/' "$dir/good" >"$f"
timeout -k 5 60 "$VEDETTE" run --bundle "$dir" box 2>"$dir/err" </dev/null
got=$?
grep -qF 'warning: '"$f"': process.cdw: unknown field, ignored' "$dir/err" && [ $got -eq 127 ] &&
	ok unknown_field_warns || not_ok unknown_field_warns "status $got" "$(cat "$dir/err")"

echo "1..$n"
