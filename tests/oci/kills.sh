#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 of what stands between an engine and the runtime, at random moments of a container's life: containerd's
# shim, conmon, podman itself. The engine's own commands, and `delete --force' for what it has forgotten (podman
# without a conmon asks no runtime to delete), take away what is left, and then nothing is.
# VEDETTE_KILLS: how often each of them (2).
. "$(dirname "$0")/common.env"
need containerd ctr podman conmon jq
kills=${VEDETTE_KILLS:-2} I=localhost/bb:latest
SCRIPT='(while :; do /bin/true; done) & while :; do sleep 0.01; done'

# A number below $1.
random() { echo $(($(od -An -N2 -tu2 /dev/urandom) % $1)); }

# kill_soon PATTERN: in a moment, one whose command line matches.
kill_soon() {
	sleep 0.$(printf %02d "$(random 60)")
	pid=$(pgrep -f -- "$1" | shuf -n 1)
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
}

# step NAME CMD...: what it says does not matter, that it ends does.
step() {
	name=$1
	shift
	killer=
	if [ "$name" = "$at" ]; then
		kill_soon "$victim" &
		killer=$!
	fi
	timeout -k 5 60 "$@" >>$W/steps 2>&1 </dev/null
	# 137 may be our own doing.
	case $?:$victim in 124:* | 137:[!p]*) echo "$name does not end" >>$W/bad ;; esac
	[ -z "$killer" ] || wait $killer
}

# clean: nothing of the cycle is left.
clean() {
	! pgrep -x "$rt|vedette.*|conmon|containerd-shim.*" >/dev/null &&
	[ -z "$(ls -A $W/state /run/containerd/runc/* 2>/dev/null | grep -v ':$')" ] &&
	! grep -q "$1" /proc/self/mountinfo &&
	[ -z "$(find /sys/fs/cgroup -type d -regextype egrep -regex '.*/libpod-[0-9a-f]{64}|.*/default/.*' | head -n 1)" ]
}

what_is_left() {
	ps -o pid=,ppid=,stat=,args= -C "$rt,conmon" -C containerd-shim-runc-v2
	pgrep -ax 'vedette.*'
	ls -A $W/state /run/containerd/runc/* 2>/dev/null
	grep "$1" /proc/self/mountinfo
	find /sys/fs/cgroup -type d -regextype egrep -regex '.*/libpod-[0-9a-f]{64}|.*/default/.*'
}

# forgotten: the engine knows of no container any more, but vedette may.
forgotten() {
	for place in $W/state /run/containerd/runc/default; do
		for id in $(ls $place 2>/dev/null); do
			$R --root $place delete --force $id || echo "at $at: delete --force: status $?"
		done
	done >>$W/bad 2>&1
}

# judge ID: one cycle is over.
judge() {
	forgotten
	until_ok 30 clean "$1" || { echo "at $at:"; what_is_left "$1"; } >>$W/bad
}

. "$repo/tests/oci/containerd.env"
op import ctr image import $W/bb.tar
: >$W/bad
i=0
while [ $i -lt $kills ]; do
	c=k$i victim="containerd-shim-runc-v2 .*-id $c" at=$(shuf -n 1 -e run exec kill rm)
	step run ctr run -d --runtime io.containerd.runc.v2 --runc-binary $R $I $c sh -c "$SCRIPT"
	step exec ctr task exec --exec-id e1 $c true
	step kill ctr task kill -s KILL $c
	step rm ctr task rm -f $c
	ctr task kill -a -s KILL $c >/dev/null 2>&1
	until_ok 20 sh -c "ctr task rm -f $c; ctr c rm $c; ! ctr c ls -q | grep -qx $c" || echo "at $at: ctr c rm $c fails" >>$W/bad
	judge /$c/
	i=$((i + 1))
done
result shim "$([ ! -s $W/bad ]; echo $?)" "$(cat $W/bad)"

. "$repo/tests/oci/podman.env"
op load podman load -i $W/bb.tar
for who in conmon podman; do
	: >$W/bad
	i=0
	while [ $i -lt $kills ]; do
		c=$who$i victim="$who .*$c" at=$(shuf -n 1 -e run exec stop rm)
		step run podman --runtime $R run -d --name $c --network none $I sh -c "$SCRIPT"
		step exec podman --runtime $R exec $c true
		step stop podman --runtime $R stop -t 0 $c
		step rm podman --runtime $R rm -f -t 0 $c
		until_ok 20 sh -c "podman --runtime $R rm -f -t 0 $c; ! podman ps -aq | grep -q ." || echo "at $at: podman rm -f $c fails" >>$W/bad
		judge overlay-containers
		i=$((i + 1))
	done
	result $who "$([ ! -s $W/bad ]; echo $?)" "$(cat $W/bad)"
done
nothing_left
finish
