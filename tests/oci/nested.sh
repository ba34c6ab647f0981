#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# vedette inside containers of another runtime, with an engine's default confinement: of root, of an ordinary user
# in it, and of a rootless engine.
. "$(dirname "$0")/common.env"
need podman conmon runc setpriv
[ "$rt" = vedette ] || skip_all "only vedette has the command do"
. "$repo/tests/oci/podman.env"
mkdir -p $W/in/b/rootfs/bin $W/in/b/rootfs/proc $W/in/b/rootfs/dev
cp "$RUNTIME" $W/in/vedette
cp /bin/busybox $W/in/b/rootfs/bin/ && ln -s busybox $W/in/b/rootfs/bin/sh
$RUNTIME spec --bundle $W/in/b
jq '.process.terminal = false | .process.args = ["/bin/sh", "-c", "exit 4"]' $W/in/b/config.json >$W/in/c && mv $W/in/c $W/in/b/config.json
chmod -R a+rX $W/in
op load podman load -i $W/bb.tar
P="podman --runtime runc run --rm --network none -v $W/in:/in:ro"
E="-e VEDETTE_PLATFORM=${VEDETTE_PLATFORM:-auto}"
I=localhost/bb:latest
V="/in/vedette --root /tmp/state"
for who in 0 1000; do
	u="$E --user $who"
	op user$who-do -o "^$who 3\$" $P $u $I sh -c "/in/vedette do -- sh -c 'echo \$(id -u) 3; exit 3'; test \$? = 3"
	op user$who-do-writes -o '^x$' $P $u $I sh -c "/in/vedette do -- sh -c 'echo x | (cat >/tmp/f; cat /tmp/f)'"
	op user$who-run -s 4 $P $u $I $V run --bundle /in/b r1
	op user$who-check $P $u $I /in/vedette check
	op user$who-nothing-left sh -c "$P $u $I sh -c '$V run --bundle /in/b r1; ls -A /tmp/state; cat /proc/[0-9]*/comm' 2>/dev/null | grep -c -e vedette -e r1 | grep -x 0"
	op user$who-no-caps -s 3 $P $u --cap-drop all --security-opt no-new-privileges $I /in/vedette do -- sh -c 'exit 3'
	op user$who-read-only -s 3 $P $u --read-only $I /in/vedette do -- sh -c 'exit 3'
done
op privileged -s 3 $P $E --privileged $I /in/vedette do -- sh -c 'exit 3'
op seccomp-unconfined -s 3 $P $E --user 1000 --security-opt seccomp=unconfined $I /in/vedette do -- sh -c 'exit 3'
nothing_left
finish
