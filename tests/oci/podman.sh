#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# podman, as root: every operation that a person or a script would try on a container.
. "$(dirname "$0")/common.env"
need podman conmon script
. "$repo/tests/oci/podman.env"

P="podman --runtime $R" I=localhost/bb:latest NET=--network=none
LOOP='trap "exit 0" TERM; while :; do sleep 0.2; done'
op load -o bb podman load -i $W/bb.tar
op info -o "$rt" $P info
op run -o '^hi$' $P run --rm $NET $I echo hi
op run-exitcode -s 7 $P run --rm $NET $I sh -c 'exit 7'
op run-stdin -o '^abc$' sh -c "echo abc | $P run -i --rm $NET $I cat"
op run-tty -o '/dev/(pts/|console)' script -qec "$P run -t --rm $NET $I tty" /dev/null
op run-d $P run -d --name op1 $NET $I sh -c "echo started; $LOOP"
op ps -o op1 $P ps
op inspect -o '"Running": true' $P inspect op1
op exec -o 'uid=0' $P exec op1 id
op exec-status -s 9 $P exec op1 sh -c 'exit 9'
op exec-user-env-cwd -o '^1,1,B,/tmp$' $P exec -u 1:1 -e A=B -w /tmp op1 sh -c 'echo $(id -u),$(id -g),$A,$PWD'
op exec-tty -o '/dev/pts/' script -qec "$P exec -t op1 tty" /dev/null
op exec-i -o '^hi$' sh -c "echo hi | $P exec -i op1 cat"
op exec-d $P exec -d op1 sleep 1
op exec-preserve-fds -o '^3$' sh -c "$P exec --preserve-fds 1 op1 ls /proc/self/fd 3</dev/null"
op exec-priv -o 'ff[ef]ffffff$' $P exec --privileged op1 grep CapEff /proc/self/status
op exec-notfound -s 127 $P exec op1 /nosuch
op top -o sleep $P top op1
op stats -o op1 $P stats --no-stream op1
op logs -o '^started$' $P logs op1
op cp sh -c "$P cp /etc/hostname op1:/tmp/h && test \"\$($P exec op1 cat /tmp/h)\" = \"\$(cat /etc/hostname)\""
op diff -o 'A /tmp/h' $P diff op1
op pause $P pause op1
op ps-paused -o '[Pp]aused' $P ps -a
op unpause $P unpause op1
op kill-usr1 $P kill -s WINCH op1
op attach-nostdin -s 124 timeout 2 $P attach --no-stdin --sig-proxy=false op1
op stop $P stop -t 3 op1
op start $P start op1
op restart $P restart -t 1 op1
op kill $P kill op1
op wait -o '^137$' $P wait op1
op rm $P rm -f op1
op create $P create --name op2 $NET $I true
op init $P init op2
op start-init $P start -a op2
op rm2 $P rm -f op2
op run-notfound -s 127 $P run --rm $NET $I /nosuch
op run-notexec -s 126 $P run --rm $NET $I /etc/passwd
op run-init $P run --rm --init $NET $I true
op run-limits $P run --rm --memory 64m --cpus 0.5 --pids-limit 50 --cpu-shares 512 --cpuset-cpus 0 $NET $I true
op run-userns -o '^ +0 +100000 +65536' $P run --rm --uidmap 0:100000:65536 --gidmap 0:100000:65536 $NET $I cat /proc/self/uid_map
op run-userns-auto $P run --rm --userns=auto $NET $I id
op run-priv -o 'ff[ef]ffffff$' $P run --rm --privileged $NET $I grep CapEff /proc/self/status
op run-ro $P run --rm --read-only --tmpfs /t $NET $I sh -c 'touch /t/a && ! touch /x 2>/dev/null'
op run-vol $P run --rm -v $W/tmp:/v:ro -v myvol:/w $NET $I sh -c 'ls /v /w && touch /w/a && ! touch /v/x 2>/dev/null'
op run-caps -o '^CapBnd:.0*2000$' $P run --rm --cap-drop all --cap-add net_raw --security-opt no-new-privileges --user 1000 $NET $I grep CapBnd /proc/self/status
op run-hostns $P run --rm --pid host --ipc host --uts host --cgroupns host $NET $I true
op run-shm -o '1.2.3.4.*a' $P run --rm --shm-size 1m --hostname foo --add-host a:1.2.3.4 --dns 1.1.1.1 $I cat /etc/hosts
op run-dev -o '1, *3' $P run --rm --device /dev/null:/dev/mynull $NET $I ls -l /dev/mynull
op run-sysctl -o '^1$' $P run --rm --sysctl net.ipv4.ip_forward=1 $NET $I cat /proc/sys/net/ipv4/ip_forward
op run-preserve-fds -o '^3$' sh -c "$P run --rm --preserve-fds 1 $NET $I ls /proc/self/fd 3</dev/null"
op run-ulimit -o '^100$' $P run --rm --ulimit nofile=100:200 --ulimit nproc=32768:32768 $NET $I sh -c 'ulimit -n'
op run-workdir -s 126 $P run --rm -w /nonexist/dir $NET $I pwd
op run-net -o 'eth0' $P run --rm $I ip a
op run-port $P run -d --name opp -p 18080:80 $I sh -c 'while :; do printf "HTTP/1.0 200 OK\r\n\r\nhello" | nc -l -p 80; done'
op port-curl -o hello sh -c 'sleep 1; echo | timeout 5 busybox nc 127.0.0.1 18080'
op rmp $P rm -f -t 0 opp
op run-rootfs $P run --rm --rootfs $NET $W/bb true
op run-loglevel podman --log-level=debug --runtime $R run --rm $NET $I true
op run-rtflag podman --runtime $R --runtime-flag root=$W/rtflagroot run --rm $NET $I true
op run-sdnotify env NOTIFY_SOCKET=$W/tmp/nosock $P run --rm --sdnotify=ignore $NET $I true
op run-health $P run -d --name oph --health-cmd 'true' --health-interval=disable $NET $I sleep 30
op healthcheck $P healthcheck run oph
op rmh $P rm -f -t 0 oph
op pod-create $P pod create --name opod --network none --infra-image $I --infra-command "/bin/sleep 1000"
op pod-run $P run -d --pod opod --name pc1 $I sleep 100
op pod-exec -o sleep $P exec pc1 ps
op pod-top -o sleep $P pod top opod
op pod-pause $P pod pause opod
op pod-unpause $P pod unpause opod
op pod-stop $P pod stop -t 1 opod
op pod-rm $P pod rm -f opod
op checkpoint-run $P run -d --name opc $NET $I sleep 100
op checkpoint $P container checkpoint opc
op restore $P container restore opc
op ckrm $P rm -f -t 0 opc
cat >$W/tmp/Cf <<'C'
FROM localhost/bb:latest
RUN echo hi > /f
RUN cat /f
CMD ["cat","/f"]
C
op build podman --runtime $R build --network=none -f $W/tmp/Cf -t localhost/built $W/tmp
op build-run -o '^hi$' $P run --rm $NET localhost/built
podman rm -fa -t 0 >/dev/null 2>&1
nothing_left
finish
