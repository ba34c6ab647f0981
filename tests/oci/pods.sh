#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# podman pods: what containers of one pod share and what they do not, and how they end.
. "$(dirname "$0")/common.env"
need podman conmon jq
. "$repo/tests/oci/podman.env"
P="podman --runtime $R" I=localhost/bb:latest
op load podman load -i $W/bb.tar
op create $P pod create --name p1 --network none --hostname podhost --infra-image $I --infra-command '/bin/sleep 1000'
op run-first $P run -d --pod p1 --name c1 $I sh -c 'trap "exit 0" TERM; while :; do sleep 0.2; done'
op run-second $P run -d --pod p1 --name c2 $I sh -c 'trap "exit 4" TERM; while :; do sleep 0.2; done'
op run-third-to-its-end -s 5 $P run --rm --pod p1 $I sh -c 'exit 5'
op ps -o 'c1|c2' $P ps --pod
op inspect -o Running $P pod inspect p1
op own-pid-namespace sh -c "$P exec -d c1 sleep 7 && $P exec c1 ps | grep 'sleep 7' && ! $P exec c2 ps | grep 'sleep 7'"
op own-root sh -c "$P exec c1 touch /tmp/mine && ! $P exec c2 ls /tmp/mine"
op shared-hostname -o '^podhost$' $P exec c2 hostname
op shared-ipc sh -c "$P exec c1 sh -c 'echo x >/dev/shm/f' && $P exec c2 cat /dev/shm/f"
op shared-localhost -o '^pong$' sh -c "$P exec -d c1 sh -c 'echo pong | nc -l -p 9000'; for i in 1 2 3 4 5 6 7 8 9 10; do $P exec c2 nc 127.0.0.1 9000 </dev/null && break; sleep 0.2; done"
op top -o sleep $P pod top p1
op stats -o c1 $P pod stats --no-stream p1
op pause $P pod pause p1
op paused -o '^Paused$' $P pod inspect --format '{{.State}}' p1
op unpause $P pod unpause p1
op kill-one $P kill c2
op neighbours-live -o alive $P exec c1 echo alive
op oom -s 137 $P run --name oom --memory 32m --pod p1 $I sh -c 'a=xxxxxxxx; while :; do a=$a$a; done'
op oom-rm $P rm oom
op oom-neighbours-live -o '^alive$' $P exec c1 echo alive
op burn $P exec -d c1 timeout 100 sh -c 'while :; do :; done'
op stats-one -o '^c1 [1-9]' sh -c "sleep 1; $P stats --no-stream --format '{{.Name}} {{.CPU}}' c1"
op wait-one -o '^137$' $P wait c2
op start-again $P start c2
op exec-again -o again $P exec c2 echo again
op logs $P pod logs p1
op stop $P pod stop -t 2 p1
op exit-status -o '^4$' $P inspect --format '{{.State.ExitCode}}' c2
op restart $P pod restart p1
op exec-restarted -o here $P exec c1 echo here
op kill-pod $P pod kill p1
op rm $P pod rm -f -t 0 p1
op shared-pid-create $P pod create --name p2 --network none --share pid,ipc --infra-image $I --infra-command '/bin/sleep 1000'
op shared-pid-run $P run -d --pod p2 --name d1 $I sleep 88
op shared-pid-ps -o 'sleep 88' $P run --rm --pod p2 $I ps
op shared-pid-rm $P pod rm -f -t 0 p2
nothing_left
finish
