/**
 * @file A Slurm cluster of one node on this machine: munged, slurmctld and slurmd of Debian's packages, each with its
 * files in one folder and none of them a service of the system.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'

const PROGRAMS = ['/usr/sbin/munged', '/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/bin/sbatch']

/** Why Slurm cannot be tested here; undefined where it can. */
export function slurmMissing(): string | undefined {
  const missing = PROGRAMS.filter((program) => !existsSync(program))
  if (missing.length > 0) return `${missing.join(', ')} not installed: apt-get install slurm-wlm munge`
  return process.getuid?.() === 0 ? undefined : 'slurmd needs root'
}

export interface Cluster {
  /** For whoever calls sbatch and squeue. */
  readonly env: NodeJS.ProcessEnv
  stop(): Promise<void>
}

/** @param cpus how many tasks of one core fit at once */
export async function startSlurm(folder: string, cpus: number): Promise<Cluster> {
  for (const part of ['state', 'spool', 'munge']) mkdirSync(path.join(folder, part), { recursive: true })
  // munged insists that nobody else could have put its files there.
  chmodSync(folder, 0o755)
  chmodSync(path.join(folder, 'munge'), 0o700)
  writeFileSync(path.join(folder, 'munge/key'), randomBytes(1024), { mode: 0o400 })
  const socket = path.join(folder, 'munge.sock')
  const config = path.join(folder, 'slurm.conf')
  writeFileSync(config, configText(folder, socket, cpus))
  writeFileSync(path.join(folder, 'cgroup.conf'), 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n')
  const env = { ...process.env, SLURM_CONF: config }
  const children: ChildProcess[] = []
  const start = (name: string, args: readonly string[]): void => {
    const log = openSync(path.join(folder, `${name}.log`), 'a')
    children.push(spawn(`/usr/sbin/${name}`, args, { env, stdio: ['ignore', log, log] }))
  }
  const munge = (name: string) => path.join(folder, 'munge', name)
  start('munged', [
    '--foreground',
    '--force',
    `--socket=${socket}`,
    `--key-file=${munge('key')}`,
    `--pid-file=${munge('pid')}`,
    `--log-file=${munge('log')}`,
    `--seed-file=${munge('seed')}`,
  ])
  await until(() => existsSync(socket), folder)
  start('slurmctld', ['-D', '-c'])
  start('slurmd', ['-D'])
  await until(() => state(env) === 'idle', folder)
  return {
    env: { SLURM_CONF: config },
    async stop() {
      quietly(() =>
        execFileSync('scancel', ['--state=RUNNING', '--user=root'], {
          env,
          timeout: 10_000,
          stdio: 'ignore',
        }),
      )
      for (const child of children.reverse()) {
        const gone = new Promise((resolve) => child.once('exit', resolve))
        if (child.exitCode !== null || !child.kill('SIGTERM')) continue
        await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 5000))])
        child.kill('SIGKILL')
      }
    },
  }
}

function configText(folder: string, socket: string, cpus: number): string {
  const host = hostname()
  return `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket=${socket}
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,sched_min_interval=100000,batch_sched_delay=0,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
MpiDefault=none
ReturnToService=2
MinJobAge=10
KillWait=5
MaxArraySize=101
NodeName=${host} NodeAddr=127.0.0.1 CPUs=${cpus} RealMemory=4000 State=UNKNOWN
PartitionName=main Nodes=${host} Default=YES MaxTime=INFINITE State=UP
`
}

function state(env: NodeJS.ProcessEnv): string {
  return (
    quietly(() =>
      execFileSync('sinfo', ['-h', '-o', '%T'], { env, timeout: 5000, encoding: 'utf8' }).trim(),
    ) ?? ''
  )
}

async function until(ready: () => boolean, folder: string): Promise<void> {
  const end = Date.now() + 60_000
  while (!ready()) {
    if (Date.now() > end) throw new Error(`Slurm did not start:\n${logs(folder)}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

function logs(folder: string): string {
  return ['munged', 'slurmctld', 'slurmd']
    .map(
      (name) =>
        `${name}: ${quietly(() => readFileSync(path.join(folder, `${name}.log`), 'utf8').slice(-1500))}`,
    )
    .join('\n')
}

function quietly<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
