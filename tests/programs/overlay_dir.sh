#!/bin/sh
# --overlay=dir:PATH: changes are kept on the host as Linux' overlayfs keeps them.  The same commands
# run over the kernel's overlayfs and inside; what is seen then must be the same, also when the
# kernel mounts what we wrote, and when we go on with what the kernel wrote.  diff and export tell
# what was changed, from there and from the memory of a sandbox (--overlay=memory).
: "${VEDETTE:?}"
n=0
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)); echo "not ok $n - $1"; }
check() { if [ "$2" -eq 0 ]; then ok "$1"; else not_ok "$1"; fi; }
W=$(mktemp -d /var/tmp/vedette-overlay.XXXXXX) || exit 1
trap '"$VEDETTE" --root "$W/state" delete --force box >/dev/null 2>&1; umount -R "$W/merged" 2>/dev/null; rm -rf "$W"' EXIT
cd "$W" || exit 1
inside() { "$VEDETTE" do --overlay="dir:$W/ov" -- "$@"; }

# Names, types, modes, owners, times of what was not written, links, content, attributes.
cat >manifest.py <<'END'
import hashlib, os, stat, sys
top = sys.argv[1]
for dir, dirs, files in os.walk(top):
	dirs.sort()
	for name in sorted(dirs + files):
		path = os.path.join(dir, name)
		st = os.lstat(path)
		line = [os.path.relpath(path, top), oct(st.st_mode), st.st_uid, st.st_gid]
		if stat.S_ISREG(st.st_mode):
			line += [st.st_size, st.st_nlink, hashlib.md5(open(path, "rb").read()).hexdigest()]
			line += [int(st.st_mtime)] if st.st_mtime < 1.5e9 else []
		if stat.S_ISLNK(st.st_mode):
			line.append(os.readlink(path))
		else:
			line += [(a, os.getxattr(path, a)) for a in sorted(os.listxattr(path)) if "overlay." not in a]
		print(*line)
END
cat >change.sh <<'END'
set -e
cd "$1"
echo new >new; echo more >>file; : >cut; chmod 4711 prog; chown 12:34 owned
truncate -s 5 long; truncate -s 1000000 longer
rm gone; rm -r tree/sub; rmdir empty
rm -r again; mkdir again; echo 1 >again/one
rm over; mkdir over; echo x >over/x
rm -r dirfile; echo plain >dirfile
mv from to; mv tree/a tree/b; mv -T two three
mkdir -p fresh/deep; echo 2 >fresh/deep/f; mv fresh moved
mv olddir newdir
ln tree/c tree/hard; echo link >>tree/hard
ln -s nowhere sym; rm link; ln -s other link
mkfifo pipe
python3 -c 'import os; os.setxattr("attr", "user.b", b"2"); os.removexattr("attr", "user.a")'
touch -d @1000000000 stamped
rm back; echo back >back
mkdir a1 && echo 1 >a1/x && mv a1 gone2
cp -a prog copied
END
# A layer over a tree, as an engine unpacks it.
cat >apply.py <<'END'
import os, shutil, sys, tarfile
top, layer = sys.argv[1:]
t = tarfile.open(layer)
for m in t.getmembers():
	dir, name = os.path.split(m.name)
	if not name.startswith(".wh."):
		continue
	gone = os.path.join(top, dir, name[4:])
	if os.path.isdir(gone) and not os.path.islink(gone): shutil.rmtree(gone)
	else: os.unlink(gone)
for m in t.getmembers():
	name = os.path.join(top, m.name)
	if os.path.basename(m.name).startswith(".wh."):
		continue
	if os.path.lexists(name) and not (m.isdir() and os.path.isdir(name)):
		if os.path.isdir(name) and not os.path.islink(name): shutil.rmtree(name)
		else: os.unlink(name)
	t.extract(m, top)
	if m.isfile() or m.isdir():
		for k, v in m.pax_headers.items():
			if k.startswith("SCHILY.xattr."): os.setxattr(name, k[13:], v.encode())
END
mkdir lower
(
	cd lower && mkdir -p tree/sub/sub empty again dirfile gone2 olddir/d && rmdir gone2
	for f in file cut prog owned long longer gone over from to two three back attr stamped tree/a tree/c tree/sub/x \
		again/old again/one dirfile/in olddir/d/f olddir/f untouched; do echo "$f content" >$f; done
	rm over && echo file >over
	ln -s target link
	chmod 755 prog
	python3 -c 'import os; os.setxattr("attr", "user.a", b"1"); os.setxattr("attr", "user.keep", b"k")'
	truncate -s 3000000 sparse && echo end >>sparse
	find . -exec touch -h -d @1234567890 {} +
)
cp -a lower tree

# What the kernel makes of it.
mkdir -p merged k/upper k/work
native=0
if [ "$(id -u)" = 0 ] && mount -t overlay -o "lowerdir=$W/lower,upperdir=$W/k/upper,workdir=$W/k/work" o merged 2>mount.err; then
	native=1
	sh change.sh merged && python3 manifest.py merged >kernel.txt
	umount merged
fi

inside sh change.sh "$W/tree" 2>inside.err; check "the_commands_succeed_inside" $?
inside python3 manifest.py "$W/tree" >again.txt; check "the_next_run_finds_them" $?
python3 manifest.py tree >now.txt; python3 manifest.py lower >was.txt
cmp -s was.txt now.txt; check "the_lower_layer_is_as_it_was" $?
if [ $native = 1 ]; then
	diff kernel.txt again.txt >diff.txt; check "what_is_seen_is_what_the_kernels_overlayfs_shows" $?
	mount -t overlay -o "lowerdir=$W/tree,upperdir=$W/ov/upper$W/tree,workdir=$W/k/work" o merged
	python3 manifest.py merged >mounted.txt; umount merged
	diff again.txt mounted.txt >diff2.txt; check "the_kernel_mounts_what_we_wrote" $?
	rm -rf ov/upper"$W" && mkdir -p ov/upper"$W" && cp -a k/upper ov/upper"$W/tree"
	inside python3 manifest.py "$W/tree" >taken.txt
	diff kernel.txt taken.txt >diff3.txt; check "we_go_on_with_what_the_kernel_wrote" $?
else
	for t in what_is_seen_is_what_the_kernels_overlayfs_shows the_kernel_mounts_what_we_wrote we_go_on_with_what_the_kernel_wrote; do
		n=$((n + 1)); echo "ok $n - $t # SKIP cannot mount an overlay here"
	done
fi

# What was changed: as a list, and as an archive that makes the kernel's layer again.
rm -rf ov tree; cp -a lower tree
inside sh change.sh "$W/tree" 2>>inside.err
mkdir d && mv ov d/ov && mkdir -p ov/work && mv d/ov/upper"$W/tree" ov/upper && rm -rf d
"$VEDETTE" diff --overlay="dir:$W/ov" --root="$W/tree" >list.txt
listed() {
	for l in 'A /new' 'C /file' 'D /gone' 'D /empty' 'C /again' 'D /again/old' 'C /again/one' 'D /from' 'C /to' 'C /tree' 'D /tree/a' \
		'A /tree/b' 'D /tree/sub' 'C /over' 'A /over/x' 'C /dirfile' 'D /olddir' 'A /newdir/d/f' 'A /sym' 'C /attr'; do
		grep -qxF "$l" "$1" || { echo "$l" >"$1.missing"; return 1; }
	done
	! grep -q untouched "$1"
}
listed list.txt; check "diff_lists_what_was_changed" $?
"$VEDETTE" export --overlay="dir:$W/ov" --root="$W/tree" -o layer.tar; check "export_writes_a_layer" $?
tar tf layer.tar >members.txt 2>tar.err
grep -qx '.wh.gone' members.txt && grep -qx 'again/.wh.old' members.txt && ! grep -q 'wh..wh..opq' members.txt; check "whiteouts_are_marks" $?
mkdir applied && cp -a tree/. applied && python3 apply.py applied layer.tar
python3 manifest.py applied >applied.txt; inside true
if [ $native = 1 ]; then diff kernel.txt applied.txt >diff4.txt; else [ -s applied.txt ]; fi
check "the_layer_makes_the_same_tree" $?
"$VEDETTE" export --full --overlay="dir:$W/ov" --root="$W/tree" | { mkdir full && tar x -C full --xattrs --xattrs-include='*' -f -; }
python3 manifest.py full >full.txt; diff applied.txt full.txt >diff5.txt; check "export_full_writes_all" $?
rm -rf ov tree; cp -a lower tree

# Open files see what is written after them, and keep what is removed.
inside python3 - "$W/tree" >open.txt 2>&1 <<'END'
import os, mmap, sys
os.chdir(sys.argv[1])
r = open("untouched", "rb", buffering=0)
first = r.read()
ino = os.fstat(r.fileno()).st_ino
w = open("untouched", "r+b", buffering=0)
w.write(b"CHANGED")
assert os.pread(r.fileno(), 7, 0) == b"CHANGED", "reads the copy"
assert os.fstat(r.fileno()).st_size == len(first)
assert os.fstat(r.fileno()).st_ino == ino == os.stat("untouched").st_ino, "the number stays"
os.truncate("untouched", 3)
assert os.fstat(r.fileno()).st_size == 3
os.unlink("untouched")
assert os.pread(r.fileno(), 7, 0) == b"CHA" and os.fstat(w.fileno()).st_nlink == 0
m = open("sparse", "r+b")
map = mmap.mmap(m.fileno(), 0)
map[0:2] = b"mm"
map.flush()
assert open("sparse", "rb").read(2) == b"mm"
assert os.stat("sparse").st_blocks < 1000, "holes stay holes"
print("ok")
END
grep -qx ok open.txt; check "open_files_go_on_with_the_copy" $?

# A second sandbox is told that the layer is taken; a hostile upper layer leads nowhere.
mkfifo ready done
inside sh -c 'echo; read x' >ready <done & pid=$!
exec 4<ready; exec 3>done
read -r _ <&4
inside true 2>busy.txt; echo $? >busy.rc
exec 3>&-; wait $pid
grep -q "another sandbox uses it" busy.txt && [ "$(cat busy.rc)" != 0 ]; check "two_sandboxes_do_not_share_a_layer" $?
echo secret >secret
rm -rf ov/upper"$W"; mkdir -p ov/upper"$W/tree"
ln -s "$W" ov/upper"$W/tree/out"; ln -s / ov/upper"$W/tree/olddir"
inside sh -c "echo bad >$W/tree/out/secret; rm -rf $W/tree/olddir; mkdir $W/tree/olddir; echo x >$W/tree/olddir/f" 2>/dev/null
[ "$(cat secret)" = secret ] && [ ! -e /f ]; check "links_in_the_upper_layer_are_the_guests_own" $?
inside python3 -c "
import os
for ns in 'user', 'trusted':
	for k in 'opaque', 'whiteout':
		try: os.setxattr('$W/tree', ns + '.overlay.' + k, b'y')
		except OSError as e: assert e.errno in (95, 1), e
		else: raise SystemExit('set')
try: os.mknod('$W/tree/white', 0o020600, 0)
except PermissionError: pass
else: raise SystemExit('made')
"; check "what_only_the_overlay_may_say,_the_guest_cannot" $?
[ "$(stat -c %a ov)" = 700 ]; check "others_cannot_reach_set-id_files_in_it" $?

# In memory: the container must run, and its sentry tells.
if [ "$(id -u)" = 0 ]; then
	VEDETTE_ROOT=$W/state
	export VEDETTE_ROOT
	mkdir -p bundle logs && "$VEDETTE" spec --bundle bundle </dev/null
	cat >>change.sh <<'END'
long=$(printf %0200d 0); mkdir -p $long/$long/$long; echo deep >$long/$long/$long/file
mknod device c 1 3; truncate -s 100M huge; echo tail >>huge
mv swap1 .tmp; mv swap2 swap1; mv .tmp swap2
mkdir gone.d; rmdir gone.d; mkfifo back2; rm back2
python3 -c 'import os, socket
socket.socket(socket.AF_UNIX).bind("socket")
os.utime("new", ns=(0, 123456789))
os.setxattr("new", "user.big", b"0123456789abcdef" * 64)'
END
	for i in 1 2; do echo $i >lower/swap$i; done; touch -d @1234567890 lower/swap*
	rm -rf tree; cp -a lower tree
	python3 - "$W" <<'END'
import json, sys
w = sys.argv[1]
c = json.load(open("bundle/config.json"))
c["root"] = {"path": "/", "readonly": False}
c["process"].update(terminal=False, args=["sh", "-c", f"sh change.sh {w}/tree 2>&1 && echo changed; read x"], cwd=w)
for set in c["process"]["capabilities"].values():
	set += ["CAP_MKNOD", "CAP_CHOWN", "CAP_FSETID", "CAP_FOWNER", "CAP_DAC_OVERRIDE"]
c["mounts"] = [m for m in c["mounts"] if m["destination"] in ("/proc", "/dev")]
json.dump(c, open("bundle/config.json", "w"))
END
	mkfifo stdin stdout
	timeout 100 "$VEDETTE" run --overlay=memory --bundle bundle box <stdin >stdout & pid=$!
	exec 3>stdin 4<stdout
	read -r line <&4; [ "$line" = changed ]; check "the_same_commands_in_memory" $?
	"$VEDETTE" diff box >mem.txt && grep -q "^C $W/tree\$" mem.txt && sed -n "s|^\(.\) $W/tree/|\1 /|p" mem.txt >mem2.txt && listed mem2.txt
	check "diff_lists_what_was_changed_in_memory" $?
	LC_ALL=C sort -t/ -k2 -C mem.txt; ! grep -q "gone\.d\|back2" mem.txt; check "and_nothing_else" $?
	"$VEDETTE" export box >mem.tar; check "export_of_memory" $?
	tar tvf mem.tar >members2.txt 2>tar2.err && [ ! -s tar2.err ] && ! grep -q /socket members2.txt && grep -q 'tree/\.wh\.gone$' members2.txt
	check "tar_reads_it" $?
	[ "$(stat -c %s mem.tar)" -lt 30000000 ] && grep -q ' 104857605 .*/huge$' members2.txt; check "great_holes_are_not_written" $?
	mkdir -p over"$W" && cp -a lower over"$W/tree" && python3 apply.py over mem.tar
	"$VEDETTE" exec box python3 "$W/manifest.py" "$W/tree" >inside.txt
	python3 manifest.py over"$W/tree" >over.txt; grep -v '^socket ' inside.txt | diff - over.txt >diff6.txt; check "the_layer_of_memory_makes_the_same_tree" $?
	if "$VEDETTE" pause box 2>/dev/null; then
		"$VEDETTE" diff box 2>paused.txt; grep -q "resume it" paused.txt; check "a_paused_sandbox_cannot_tell" $?
		"$VEDETTE" resume box
	else
		n=$((n + 1)); echo "ok $n - a_paused_sandbox_cannot_tell # SKIP nothing can be paused here"
	fi
	"$VEDETTE" export box | head -c 1000 >/dev/null; "$VEDETTE" diff box >mem3.txt; cmp -s mem.txt mem3.txt; check "a_reader_that_leaves_changes_nothing" $?
	exec 3>&- 4<&-; wait $pid
fi
echo "1..$n"
