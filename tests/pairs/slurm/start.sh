#!/bin/sh
# A SLURM of one node on this machine, for tests: munged, slurmctld and slurmd by hand, everything they write in one
# folder. Debian: apt-get install slurm-wlm munge. Needs root, because slurmd starts jobs as their users; no systemd.
#
#   tests/pairs/slurm/start.sh DIR      start; prints the line that makes a shell use it
#   tests/pairs/slurm/start.sh DIR stop
set -eu
dir=$(mkdir -p "$1" && cd "$1" && pwd)
host=$(hostname -s)

stop() {
    for name in slurmd slurmctld munged; do
        [ -f "$dir/$name.pid" ] && kill "$(cat "$dir/$name.pid")" 2>/dev/null || true
    done
}

if [ "${2:-start}" = stop ]; then stop; exit 0; fi
for program in munged slurmctld slurmd sinfo; do
    command -v $program >/dev/null || PATH=$PATH:/usr/sbin command -v $program >/dev/null \
        || { echo "$program is not installed (Debian: apt-get install slurm-wlm munge)" >&2; exit 3; }
done
[ "$(id -u)" = 0 ] || { echo "slurmd needs root" >&2; exit 3; }
PATH=$PATH:/usr/sbin

mkdir -p "$dir/state" "$dir/spool"
chmod 755 "$dir"
[ -f "$dir/munge.key" ] || dd if=/dev/urandom of="$dir/munge.key" bs=1 count=1024 2>/dev/null
chmod 400 "$dir/munge.key"
cpus=$(nproc)
cat >"$dir/slurm.conf" <<CONF
ClusterName=weakfield
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CryptoType=crypto/munge
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
ReturnToService=2
SlurmdTimeout=300
KillWait=2
MpiDefault=none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=1000 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
CONF
# nothing of cgroups is used, but the daemon of some versions loads a plugin for them all the same
echo "CgroupPlugin=${CGROUP_PLUGIN:-cgroup/v1}" >"$dir/cgroup.conf"
export SLURM_CONF="$dir/slurm.conf"
stop
munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
    --log-file="$dir/munged.log" --seed-file="$dir/munged.seed"
slurmctld -c
slurmd -c
for _ in $(seq 60); do
    if sinfo -h -o %T 2>/dev/null | grep -q idle; then
        echo "export SLURM_CONF=$dir/slurm.conf WEAKFIELD_TEST_SLURM=1"
        exit 0
    fi
    sleep 0.5
done
echo "SLURM did not start; see $dir/slurmctld.log and $dir/slurmd.log" >&2
tail -5 "$dir/slurmctld.log" "$dir/slurmd.log" >&2
exit 1
