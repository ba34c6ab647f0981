#!/bin/sh
# tests/hostile/rights.c on files of the host, which two containers' users may have open at once.
n=0
prog=build/hostile/rights
[ -x "$prog" ] || { echo "1..0 # SKIP no $prog: make hostile"; exit 0; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/rootfs" "$dir/vol"
chmod 1777 "$dir/vol"
cp "$prog" "$dir/rootfs/rights"
"$VEDETTE" spec --bundle "$dir" </dev/null
sed -i -e 's|\["sh"\]|["/rights"]|' \
	-e "s|\"mounts\": \[|&{\"destination\": \"/tmp\", \"type\": \"bind\", \"source\": \"$dir/vol\", \"options\": [\"rbind\", \"rw\"]},|" \
	"$dir/config.json"
timeout -k 5 120 "$VEDETTE" run --bundle "$dir" box </dev/null
