#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# buildah run, and images that umoci, skopeo and buildah make, run by podman.
. "$(dirname "$0")/common.env"
need buildah podman conmon script
. "$repo/tests/oci/podman.env"
P="podman --runtime $R"
c=$(buildah from scratch) && m=$(buildah mount "$c") && cp -a $W/bb/. "$m/"
buildah config --cmd /bin/sh --env PATH=/bin "$c" >/dev/null 2>&1
B="buildah run --runtime $R"
op run -o '^hi$' $B "$c" -- echo hi
op run-status -s 7 $B "$c" -- sh -c 'exit 7'
op run-user-env-cwd -o '^5,B,/tmp$' $B --user 5 --env A=B --workingdir /tmp "$c" -- sh -c 'echo $(id -u),$A,$PWD'
op run-stdin -o '^abc$' sh -c "echo abc | $B $c -- cat"
op run-tty -o '/dev/pts/' script -qec "$B -t $c -- tty" /dev/null
op run-volume -o '^there$' sh -c "echo there >$W/tmp/f; $B -v $W/tmp:/v:ro $c -- cat /v/f"
op run-caps -o '^CapBnd:.0+$' $B --cap-drop all "$c" -- grep CapBnd /proc/self/status
op run-notfound -s 1 $B "$c" -- /nosuch
op run-writes sh -c "$B $c -- sh -c 'echo kept >/kept' && grep -q kept $m/kept"
op run-debug $B --runtime-flag debug "$c" -- true
op commit buildah commit -q "$c" localhost/x
buildah umount "$c" >/dev/null && buildah rm "$c" >/dev/null
op committed -o '^kept$' $P run --rm --network none localhost/x cat /kept
printf 'FROM localhost/x\nRUN mkdir /d && echo built >/d/f && rm /kept\nUSER 7\nRUN id -u >/tmp/id\nCMD ["cat","/d/f","/tmp/id"]\n' >$W/tmp/Cf
op bud buildah bud --runtime $R --network none -f $W/tmp/Cf -t localhost/y $W/tmp
op built -o '^built$' $P run --rm --network none localhost/y
op built-removed -s 1 $P run --rm --network none localhost/y ls /kept
if command -v umoci >/dev/null && command -v skopeo >/dev/null; then
	op umoci sh -c "cd $W/tmp && umoci init --layout lay && umoci new --image lay:bb && umoci unpack --image lay:bb bundle &&
		cp -a $W/bb/. bundle/rootfs/ && umoci config --image lay:bb --config.cmd /bin/sh --config.env PATH=/bin && umoci repack --image lay:bb bundle"
	op umoci-bundle -o '^bundled$' sh -c "cd $W/tmp && umoci unpack --image lay:bb b2 && cp b2/config.json b2/c0 &&
		jq '.process.args=[\"/bin/echo\",\"bundled\"] | .process.terminal=false' b2/c0 >b2/config.json && $R run --bundle b2 u1"
	op run-oci-layout -o '^hi$' $P run --rm --network none oci:$W/tmp/lay:bb echo hi
	op skopeo skopeo copy oci:$W/tmp/lay:bb oci-archive:$W/tmp/x.tar:localhost/u:1
	op run-oci-archive -o '^hi$' $P run --rm --network none oci-archive:$W/tmp/x.tar echo hi
	op run-docker-archive -o '^hi$' $P run --rm --network none docker-archive:$W/bb.tar echo hi
else
	n=$((n + 1)); echo "ok $n - umoci # SKIP umoci or skopeo is not installed"
fi
nothing_left
finish
