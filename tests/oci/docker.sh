#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docker, with a daemon of our own that starts its own containerd.
. "$(dirname "$0")/common.env"
D=/usr/bin/docker
need dockerd $D script iptables
mkdir -p $W/dk
cat >$W/dk/daemon.json <<S
{
 "data-root": "$W/dk/data", "exec-root": "$W/dk/exec", "pidfile": "$W/dk/docker.pid",
 "hosts": ["unix://$W/dk/d.sock"], "iptables": false, "bridge": "none",
 "exec-opts": ["native.cgroupdriver=cgroupfs"], "storage-driver": "overlay2",
 "runtimes": { "tested": {"path": "$R"} }
}
S
dockerd --config-file $W/dk/daemon.json >$W/dk/log 2>&1 &
export DOCKER_HOST=unix://$W/dk/d.sock
until_ok 60 $D version || { result dockerd_starts 1 "$(cat $W/dk/log)"; finish; }

I=localhost/bb NET=--network=none
RUN="$D run --runtime tested"
op load -o bb $D load -i $W/bb.tar
op info -o tested $D info
op run -o '^hi$' $RUN --rm $NET $I echo hi
op run-exitcode -s 7 $RUN --rm $NET $I sh -c 'exit 7'
op run-stdin -o '^abc$' sh -c "echo abc | $RUN -i --rm $NET $I cat"
op run-tty -o '/dev/(pts/|console)' script -qec "$RUN -t --rm $NET $I tty" /dev/null
op run-d $RUN -d --name op1 $NET $I sh -c 'echo started; trap "exit 0" TERM; while :; do sleep 0.2; done'
op ps -o op1 $D ps
op exec -o uid=0 $D exec op1 id
op exec-exitcode -s 5 $D exec op1 sh -c 'exit 5'
op exec-user-env-cwd -o '^1,1,B,/tmp$' $D exec -u 1:1 -e A=B -w /tmp op1 sh -c 'echo $(id -u),$(id -g),$A,$PWD'
op exec-tty -o '/dev/pts/' script -qec "$D exec -t op1 tty" /dev/null
op exec-i -o '^hi$' sh -c "echo hi | $D exec -i op1 cat"
op exec-d $D exec -d op1 sleep 1
op exec-priv -o 'ff[ef]ffffff$' $D exec --privileged op1 grep CapEff /proc/self/status
op exec-notfound -s 126 $D exec op1 /nosuch
op top -o sleep $D top op1
op stats -o op1 $D stats --no-stream op1
op logs -o '^started$' $D logs op1
op cp sh -c "$D cp /etc/hostname op1:/tmp/h && test \"\$($D exec op1 cat /tmp/h)\" = \"\$(cat /etc/hostname)\""
op diff -o 'A /tmp/h' $D diff op1
op pause $D pause op1
op ps-paused -o Paused $D ps
op unpause $D unpause op1
op kill-winch $D kill -s WINCH op1
op update $D update --memory 64m --memory-swap 64m --cpus 0.5 op1
op resize sh -c "$D exec op1 true"
op stop $D stop -t 3 op1
op start $D start op1
op restart $D restart -t 1 op1
op kill $D kill op1
op wait -o '^137$' $D wait op1
op rm $D rm -f op1
op create $D create --name op2 --runtime tested $NET $I true
op start-a $D start -a op2
op rm2 $D rm -f op2
op run-notfound -s 127 $RUN --rm $NET $I /nosuch
op run-notexec -s 126 $RUN --rm $NET $I /etc/passwd
op run-init $RUN --rm --init $NET $I true
op run-limits $RUN --rm --memory 64m --cpus 0.5 --pids-limit 50 --cpu-shares 512 --cpuset-cpus 0 $NET $I true
op run-priv -o 'ff[ef]ffffff$' $RUN --rm --privileged $NET $I grep CapEff /proc/self/status
op run-ro $RUN --rm --read-only --tmpfs /t $NET $I sh -c 'touch /t/a && ! touch /x 2>/dev/null'
op run-vol $RUN --rm -v $W/tmp:/v:ro -v myvol:/w $NET $I sh -c 'ls /v /w && touch /w/a && ! touch /v/x 2>/dev/null'
op run-caps -o '^CapBnd:.0*2000$' $RUN --rm --cap-drop all --cap-add net_raw --security-opt no-new-privileges --user 1000 $NET $I grep CapBnd /proc/self/status
op run-hostns $RUN --rm --pid host --ipc host --uts host --cgroupns host $NET $I true
op run-shm -o '^foo$' $RUN --rm --shm-size 1m --hostname foo --add-host a:1.2.3.4 $NET $I hostname
op run-dev -o '1, *3' $RUN --rm --device /dev/null:/dev/mynull $NET $I ls -l /dev/mynull
op run-ulimit -o '^100$' $RUN --rm --ulimit nofile=100:200 $NET $I sh -c 'ulimit -n'
op run-workdir -o '^/nonexist/dir$' $RUN --rm -w /nonexist/dir $NET $I pwd
op run-health $RUN -d --name oph --health-cmd true --health-interval=1s $NET $I sleep 30
until_ok 20 sh -c "$D inspect oph | grep -q healthy"
op health -o healthy $D inspect oph
op rmh $D rm -f oph
op shared-pidns1 $RUN -d --ipc shareable --name ps1 $NET $I sleep 50
op shared-pidns2 -o 'sleep 50' $RUN --rm --pid container:ps1 --ipc container:ps1 --network container:ps1 $I ps
op rmps $D rm -f ps1
op build sh -c "printf 'FROM $I\nRUN echo hi >/f\nCMD [\"cat\",\"/f\"]\n' | DOCKER_BUILDKIT=0 $D build --network none -t built -"
op run-built -o '^hi$' $RUN --rm $NET built
op run-oomkill -s 137 $RUN --name oom --memory 16m $NET $I sh -c 'tail /dev/zero'
op oomkilled -o true $D inspect -f '{{.State.OOMKilled}}' oom
$D rm -f oom >/dev/null 2>&1
op run-seccomp-unconf $RUN --rm --security-opt seccomp=unconfined $NET $I true
op run-sysctl -o '^1$' $RUN --rm --sysctl net.ipv4.ip_forward=1 $NET $I cat /proc/sys/net/ipv4/ip_forward
# shellcheck disable=SC2046
$D rm -f $($D ps -aq) >/dev/null 2>&1
nothing_left
finish
