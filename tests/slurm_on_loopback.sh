#!/usr/bin/env bash
# A Slurm of two nodes on this machine alone, for tests: its controller and two node daemons listen on
# the loopback. Needs root, and Debian's slurm-wlm and munge.
#
#   slurm_on_loopback.sh start FOLDER      writes its state and logs to FOLDER
#   slurm_on_loopback.sh node FOLDER n1    starts a node that was killed
#   slurm_on_loopback.sh stop FOLDER       ends the daemons, with all that runs on the nodes
#
# Slurm's commands look for their configuration in one place, and jobs get no variable that could name
# another. So a link is put there, unless this machine has a Slurm of its own.
set -euo pipefail

command=$1 folder=$2
configuration=/etc/slurm/slurm.conf

start_node() {
    slurmd -N "$1"
    for _ in {1..100}; do
        scontrol update nodename="$1" state=resume 2> /dev/null || true
        [ "$(sinfo --noheader --nodes="$1" --format=%T)" = idle ] && return
        sleep 0.2
    done
    echo "node $1 does not come up; see $folder/log" >&2
    return 1
}

case $command in
start)
    if [ -e "$configuration" ] && [ ! -L "$configuration" ]; then
        echo "$configuration: this machine has a Slurm of its own" >&2
        exit 3
    fi
    mkdir -p "$folder/state" "$folder/log" "${configuration%/*}"
    ln --symbolic --force "$folder/slurm.conf" "$configuration"
    if ! munge --no-input > /dev/null 2>&1; then
        install --directory --owner=munge --group=munge /run/munge
        runuser --user munge -- munged --force
    fi
    host=$(hostname --short)
    cat > "$folder/slurm.conf" << END
ClusterName=loopback
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/controller.pid
SlurmdPidFile=$folder/%n.pid
SlurmctldLogFile=$folder/log/controller.log
SlurmdLogFile=$folder/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobRequeue=0
SlurmctldTimeout=30
SlurmdTimeout=10
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=16821 CPUs=2 RealMemory=6000 State=UNKNOWN
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=16822 CPUs=2 RealMemory=6000 State=UNKNOWN
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
END
    slurmctld
    start_node n1
    start_node n2
    ;;
node)
    start_node "$3"
    ;;
stop)
    scancel --user=root 2> /dev/null || true
    for pid in "$folder"/*.pid; do
        [ ! -f "$pid" ] || kill "$(< "$pid")" 2> /dev/null || true
    done
    [ ! -L "$configuration" ] || rm "$configuration"
    ;;
*)
    echo "$command: unknown; allowed: start, node, stop" >&2
    exit 2
    ;;
esac
