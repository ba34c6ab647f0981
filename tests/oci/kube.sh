#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# podman play kube: two containers of a pod that talk over localhost and share IPC.
. "$(dirname "$0")/common.env"
need podman conmon
. "$repo/tests/oci/podman.env"
P="podman --runtime $R"
op load podman load -i $W/bb.tar
podman load -q -i $W/pause.tar >/dev/null
cat >$W/tmp/kube.yaml <<'Y'
apiVersion: v1
kind: Pod
metadata:
  name: kp
spec:
  hostname: kp
  containers:
  - name: server
    image: localhost/bb:latest
    imagePullPolicy: Never
    command: ["/bin/sh", "-c", "while :; do echo hello | nc -l -p 8080; done"]
    volumeMounts: [{name: shared, mountPath: /shared}]
  - name: client
    image: localhost/bb:latest
    imagePullPolicy: Never
    env: [{name: GREETING, value: "from kube"}]
    command: ["/bin/sh", "-c", "echo $GREETING; trap 'exit 0' TERM; while :; do sleep 0.2; done"]
    volumeMounts: [{name: shared, mountPath: /shared}]
  volumes:
  - name: shared
    emptyDir: {}
Y
op play $P play kube --network none $W/tmp/kube.yaml
op running -o '^Running$' $P pod inspect --format '{{.State}}' kp
op logs -o '^from kube$' $P logs kp-client
op localhost -o '^hello$' $P exec kp-client sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do nc 127.0.0.1 8080 </dev/null && break; sleep 0.2; done'
op hostname -o '^kp$' $P exec kp-server hostname
op volume sh -c "$P exec kp-server sh -c 'echo x >/shared/f' && $P exec kp-client cat /shared/f"
op own-root sh -c "$P exec kp-server touch /tmp/mine && ! $P exec kp-client ls /tmp/mine"
op one-ends sh -c "$P kill kp-client && $P exec kp-server true"
op down $P play kube --down $W/tmp/kube.yaml
op gone -s 1 $P pod exists kp
nothing_left
finish
