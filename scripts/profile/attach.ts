import { readFileSync } from 'node:fs';
import { poll } from '../poll.ts';
import { signal } from '../run-state.ts';
import { InspectedProcess } from './inspector.ts';

const OPEN_TIMEOUT_MS = 10_000;
const LISTENS = /^Debugger listening on (ws:\/\/127\.0\.0\.1:\d+\/\S+)$/gm;

/** Environment of a process that may be attached to: nothing listens before it is asked to, and then on a free port. */
export const INSPECTABLE = Object.freeze({ NODE_OPTIONS: '--inspect-port=127.0.0.1:0' });

/** Asks a process that was started INSPECTABLE to open its inspector, finds the address in its log, and connects. */
export async function attach(pid: number, log: string): Promise<InspectedProcess> {
  const addresses = (): readonly string[] =>
    [...readFileSync(log, 'utf8').matchAll(LISTENS)].map(([, url = '']) => url);
  const before = addresses().length;
  if (!signal(pid, 'SIGUSR1')) throw new Error(`process ${pid} is gone; see ${log}`);
  await poll(`the inspector of process ${pid}`, OPEN_TIMEOUT_MS, () => addresses().length > before);
  return InspectedProcess.connect(addresses().at(-1) ?? '');
}
