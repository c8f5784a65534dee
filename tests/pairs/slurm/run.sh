#!/bin/sh
# Run a command beside a SLURM of one node (start.sh), stopped afterwards; where none can be started, say why and pass.
set -u
here=$(dirname "$0")
dir=$(mktemp -d /tmp/weakfield-slurm.XXXXXX)
said=$("$here/start.sh" "$dir")
case $? in
    0) ;;
    3) echo "campaigns on SLURM are not tested here"; rm -rf "$dir"; exit 0 ;;
    *) exit 1 ;;
esac
eval "$said"
"$@"
code=$?
"$here/start.sh" "$dir" stop
if [ $code = 0 ]; then
    rm -rf "$dir" 2>/dev/null || { sleep 2; rm -rf "$dir"; }  # a daemon may still be writing its state
else
    echo "logs of SLURM are in $dir" >&2
fi
exit $code
