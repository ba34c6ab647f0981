#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# containerd with its runc shim (io.containerd.runc.v2), through ctr.
. "$(dirname "$0")/common.env"
need containerd ctr script jq
. "$repo/tests/oci/containerd.env"

I=localhost/bb:latest
RUN="ctr run --runtime io.containerd.runc.v2 --runc-binary $R"
op import ctr image import $W/bb.tar
op run -o '^hi$' $RUN --rm $I a1 echo hi
op run-exitcode -s 7 $RUN --rm $I a2 sh -c 'exit 7'
TIMEOUT=10 op run-stdin -o '^abc$' sh -c "echo abc | $RUN --rm $I a3 cat"
ctr task kill -s KILL a3 >/dev/null 2>&1
until_ok 5 sh -c '! ctr task ls | grep -q RUNNING'
ctr task rm -f a3 >/dev/null 2>&1
ctr c rm a3 >/dev/null 2>&1
op run-tty -o '/dev/(pts/|console)' script -qec "$RUN -t --rm $I a4 tty" /dev/null
op run-d $RUN -d $I a5 sh -c 'trap "exit 0" TERM; while :; do sleep 0.2; done'
op task-ls -o 'a5 .*RUNNING' ctr task ls
op task-ps -o '^[0-9]+' ctr task ps a5
op task-metrics -o '[1-9]' ctr task metrics a5
op exec -o uid=0 ctr task exec --exec-id e1 a5 id
op exec-exitcode -s 5 ctr task exec --exec-id e6 a5 sh -c 'exit 5'
op exec-cwd-user -o '^/tmp,1$' ctr task exec --exec-id e2 --cwd /tmp --user 1 a5 sh -c 'echo $PWD,$(id -u)'
op exec-tty -o '/dev/pts/' script -qec "ctr task exec -t --exec-id e3 a5 tty" /dev/null
op exec-d ctr task exec -d --exec-id e4 a5 sleep 1
op exec-notfound -s 1 -o 'no such file or directory' ctr task exec --exec-id e5 a5 /nosuch
op pause ctr task pause a5
op task-ls2 -o 'a5 .*PAUSED' ctr task ls
op resume ctr task resume a5
op kill-term ctr task kill -s TERM a5
until_ok 5 sh -c 'ctr task ls | grep -q STOPPED'
op task-rm ctr task rm a5
op c-rm ctr c rm a5
op run-d6 $RUN -d $I a6 sleep 100
op kill-all ctr task kill -a -s KILL a6
until_ok 5 sh -c 'ctr task ls | grep -q STOPPED'
op task-rm6 ctr task rm -f a6
op c-rm6 ctr c rm a6
op run-notfound -s 1 -o 'no such file or directory' $RUN --rm $I a7 /nosuch
ctr c rm a7 >/dev/null 2>&1
op run-net-host $RUN --rm --net-host $I a8 true
op run-priv $RUN --rm --privileged $I a9 true
op run-ro $RUN --rm --read-only $I a10 sh -c '! touch /x 2>/dev/null'
op run-limits $RUN --rm --memory-limit 67108864 --cpus 0.5 $I a11 true
op run-seccomp $RUN --rm --seccomp $I a12 true
op run-cgroup $RUN --rm --cgroup /foo/bar $I a13 true
echo there >$W/tmp/file
op run-mount -o '^there$' $RUN --rm --mount type=bind,src=$W/tmp,dst=/v,options=rbind:ro $I a14 cat /v/file
op run-rootfs $RUN --rm --rootfs $W/bb a15 /bin/true
$RUN -d $I a0 true >/dev/null 2>&1
ctr c info a0 2>/dev/null | jq --arg root $W/bb '.Spec | .root.path = $root | .process.args = ["/bin/echo", "config"]' >$W/config.json
ctr task rm -f a0 >/dev/null 2>&1
ctr c rm a0 >/dev/null 2>&1
op run-config -o '^config$' $RUN --rm --config $W/config.json a16
op run-runcroot $RUN --rm --runc-root $W/tmp/rr $I a17 true
op run-pidfile $RUN --rm --pid-file $W/tmp/pf $I a18 true
op run-sysd $RUN --rm --runc-systemd-cgroup --cgroup a:b:c $I a19 true
ctr c rm a19 >/dev/null 2>&1
op run-null $RUN -d --null-io $I a20 sleep 0.1
until_ok 5 sh -c 'ctr task ls | grep -q STOPPED'
op rm20 ctr task rm a20
ctr c rm a20 >/dev/null 2>&1
op run-logfile $RUN -d --log-uri file://$W/tmp/ctrlog $I a21 echo logged
until_ok 5 sh -c 'ctr task ls | grep -q STOPPED'
op rm21 ctr task rm a21
ctr c rm a21 >/dev/null 2>&1
op logcheck grep logged $W/tmp/ctrlog
op run-d22 $RUN -d $I a22 sleep 100
op checkpoint ctr task checkpoint a22
ctr task kill -s KILL a22 >/dev/null 2>&1
until_ok 5 sh -c 'ctr task ls | grep -q STOPPED'
ctr task rm -f a22 >/dev/null 2>&1
ctr c rm a22 >/dev/null 2>&1
op run-uid -o '^ +0 +100000 +65536' $RUN --rm --uidmap 0:100000:65536 --gidmap 0:100000:65536 --remap-labels $I a23 cat /proc/self/uid_map
nothing_left
finish
