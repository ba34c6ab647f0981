#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# podman of an ordinary user, whom only this script's mount namespace knows.
. "$(dirname "$0")/common.env"
need podman conmon script newuidmap slirp4netns setpriv
U=2000
echo ociuser:x:$U:$U::$W/home:/bin/sh >>/etc/passwd
echo ociuser:x:$U: >>/etc/group
echo ociuser:200000:65536 | tee -a /etc/subuid >>/etc/subgid
mkdir -p $W/home/bin $W/home/run $W/home/state /run/user
for d in net/tun fuse; do # closed to others here; a machine with users has them open
	[ -c /dev/$d ] || continue
	own=$W/dev-$(basename $d)
	cp -a /dev/$d $own && chmod 666 $own && mount --bind $own /dev/$d
done
cp "$RUNTIME" $W/home/real && sed -e "s|$RUNTIME|$W/home/real|; s|$W/state|$W/home/state|" $R >$W/home/bin/$rt
chmod 755 $W/home/bin/$rt
R=$W/home/bin/$rt
cat >$W/home/containers.conf <<S
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)","nproc=32768:32768"]
[engine]
infra_image = "localhost/bb:latest"
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime_supports_json = ["$rt"]
S
mkdir -p /etc/containers
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >/etc/containers/policy.json
echo >/etc/containers/registries.conf
cat >$W/home/enter <<S
#!/bin/sh
cd $W/home
exec setpriv --reuid $U --regid $U --clear-groups --inh-caps=-all env -i HOME=$W/home PATH=$PATH TERM=xterm TMPDIR=/tmp \
	CONTAINERS_CONF=$W/home/containers.conf XDG_RUNTIME_DIR=$W/home/run PODMAN_IGNORE_CGROUPSV1_WARNING=1 "\$@"
S
chmod 755 $W/home/enter
chown -R $U:$U $W/home && chmod 700 $W/home/run
E=$W/home/enter
P="$E podman --runtime $R" I=localhost/bb:latest NET=--network=none
op load $E podman load -i $W/bb.tar
op run -o '^hi$' $P run --rm $NET $I echo hi
op run-exitcode -s 7 $P run --rm $NET $I sh -c 'exit 7'
op run-stdin -o '^abc$' sh -c "echo abc | $P run -i --rm $NET $I cat"
op run-tty -o '/dev/(pts/|console)' script -qec "$P run -t --rm $NET $I tty" /dev/null
op run-root -o '^0$' $P run --rm $NET $I id -u
op run-user -o '^1234$' $P run --rm --user 1234 $NET $I id -u
op run-d $P run -d --name op1 $NET $I sh -c 'echo started; trap "exit 0" TERM; while :; do sleep 0.2; done'
op exec -o uid=0 $P exec op1 id
op exec-user -o uid=1 $P exec -u 1 op1 id
op exec-tty -o '/dev/pts/' script -qec "$P exec -t op1 tty" /dev/null
op exec-status -s 9 $P exec op1 sh -c 'exit 9'
op exec-notfound -s 127 $P exec op1 /nosuch
op top -o sleep $P top op1
op logs -o '^started$' $P logs op1
op cp sh -c "$P cp /etc/hostname op1:/tmp/h && test \"\$($P exec op1 cat /tmp/h)\" = \"\$(cat /etc/hostname)\""
op diff -o 'A /tmp/h' $P diff op1
op kill-winch $P kill -s WINCH op1
op stop $P stop -t 3 op1
op start $P start op1
op restart $P restart -t 1 op1
op kill $P kill op1
op wait -o '^137$' $P wait op1
op rm $P rm -f op1
op run-notfound -s 127 $P run --rm $NET $I /nosuch
op run-notexec -s 126 $P run --rm $NET $I /etc/passwd
op run-init $P run --rm --init $NET $I true
op run-ro $P run --rm --read-only --tmpfs /t $NET $I sh -c 'touch /t/a && ! touch /x 2>/dev/null'
op run-vol $P run --rm -v $W/home:/v:ro -v myvol:/w $NET $I sh -c 'ls /v /w && touch /w/a && ! touch /v/x 2>/dev/null'
op run-vol-owner -o "^0 1$" sh -c "$P run --rm -v myvol:/w $NET $I sh -c 'touch /w/b /w/c; chown 1 /w/c; echo \$(stat -c %u /w/b) \$(stat -c %u /w/c)'"
op run-priv $P run --rm --privileged $NET $I true
op run-keep-id -o "^$U$" $P run --rm --userns keep-id $NET $I id -u
op run-net-host $P run --rm --network host $I true
op run-slirp -o tap0 $P run --rm $I ip a
op pod-create $P pod create --name opod --network none --infra-image $I --infra-command "/bin/sleep 1000"
op pod-run $P run -d --pod opod --name pc1 $I sleep 100
op pod-exec -o sleep $P exec pc1 ps
op pod-stop $P pod stop -t 1 opod
op pod-rm $P pod rm -f opod
printf 'FROM localhost/bb\nRUN echo hi >/f\nCMD ["cat","/f"]\n' >$W/home/Cf
op build $P build --network none -f $W/home/Cf -t localhost/built $W/home
op build-run -o '^hi$' $P run --rm $NET localhost/built
$P rm -fa -t 0 >/dev/null 2>&1
nothing_left
finish
