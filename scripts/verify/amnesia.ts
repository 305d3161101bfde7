// A micronode that keeps everything in memory, inside a memory limit: the case whose memory must worry nobody.
import { spawn } from 'node:child_process';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appCommand } from '../bootstrap.mjs';
import { answersOk, poll } from '../poll.ts';
import { freePort } from '../ports.ts';
import { Client } from './client.ts';
import { Ledger } from './ledger.ts';
import type { Rig } from './rig.ts';

const LIMIT_BYTES = 512 * 1024 ** 2;
const OBJECT_BYTES = 1024 ** 2;
const OBJECTS = 150;
const READY_TIMEOUT_MS = 20_000;

/** A group with a memory limit, in version 2 of control groups or the first. Throws where none can be made. */
function memoryGroup(): { readonly procs: string; remove(): void } {
  const refusals: string[] = [];
  for (const [folder, file] of [
    ['/sys/fs/cgroup/memory/macronode-verify', 'memory.limit_in_bytes'],
    ['/sys/fs/cgroup/macronode-verify', 'memory.max'],
  ] as const) {
    try {
      mkdirSync(folder);
      writeFileSync(join(folder, file), String(LIMIT_BYTES), { flag: 'r+' });
      return { procs: join(folder, 'cgroup.procs'), remove: () => rmdirSync(folder) };
    } catch (error) {
      refusals.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`no control group with a memory limit can be made here: ${refusals.join('; ')}`);
}

/** Starts one beside the rig, scraped as a target of its own, and fills it. What it answers ends it. */
export async function startAmnesia(rig: Rig): Promise<() => Promise<void>> {
  const group = memoryGroup();
  const [port, opsPort] = [await freePort(), rig.amnesiaOpsPort];
  const child = spawn('sh', ['-c', `echo $$ > ${group.procs}; exec "$0" "$@"`, ...appCommand('micronode')], {
    stdio: 'ignore',
    env: { ...process.env, PORT: String(port), OPS_PORT: String(opsPort), DATA_DIR: '', LOG_LEVEL: 'warn' },
  });
  await poll('the micronode', READY_TIMEOUT_MS, () => answersOk(`http://127.0.0.1:${opsPort}/readyz`));
  const client = new Client(`http://127.0.0.1:${port}`, new Ledger());
  for (let i = 0; i < OBJECTS; i += 1) await client.put(OBJECT_BYTES);
  client.close();
  return async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
    group.remove();
  };
}
