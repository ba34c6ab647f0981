#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# containerd's CRI plugin, as a kubelet drives it: cri.py speaks to it.
. "$(dirname "$0")/common.env"
need containerd ctr python3
/usr/bin/python3 -c 'import grpc' 2>/dev/null || skip_all "python3-grpcio is not installed"
[ -x /usr/lib/cni/bridge ] || skip_all "containernetworking-plugins is not installed"
mkdir -p $W/cni $W/logs
cat >$W/cni/10-bridge.conflist <<'S'
{"cniVersion": "0.4.0", "name": "tested", "plugins": [
 {"type": "bridge", "bridge": "cri0", "isGateway": true, "ipMasq": false,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.99.0.0/24"}]], "dataDir": "/run/oci/cni-data"}}]}
S
CRI_CONFIG="
[plugins.\"io.containerd.grpc.v1.cri\"]
  sandbox_image = \"localhost/pause:1\"
  restrict_oom_score_adj = true
  [plugins.\"io.containerd.grpc.v1.cri\".cni]
    bin_dir = \"/usr/lib/cni\"
    conf_dir = \"$W/cni\"
  [plugins.\"io.containerd.grpc.v1.cri\".containerd]
    default_runtime_name = \"tested\"
  [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.tested]
    runtime_type = \"io.containerd.runc.v2\"
    [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.tested.options]
      BinaryName = \"$R\""
. "$repo/tests/oci/containerd.env"
for f in bb pause; do ctr -n k8s.io image import $W/$f.tar >$W/out 2>&1 || cat $W/out >&2; done
/usr/bin/python3 "$repo/tests/oci/cri.py" $W/cd/c.sock tested $W/logs >$W/cri.tap 2>&1 &
wait $!
cat $W/cri.tap
n=$(grep -cE '^(not )?ok ' $W/cri.tap)
nothing_left
finish
