// Bulk load: wrk or h2load, which make of one core what k6 would need eight for; nothing but GET of one address.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { randomBytes } from 'node:crypto';
import { ROUTES } from '@macronode/contracts';
import { programOnPath } from '../programs.ts';
import { BULK_TOOLS, type BulkResult, type BulkTool, parseH2load, parseWrk } from './bulk-output.ts';

export interface BulkOrder {
  readonly url: string;
  readonly token: string | undefined;
  /** The first of both that is there, when left out. */
  readonly tool: BulkTool | undefined;
  readonly connections: number;
  readonly seconds: number;
  /** Empty for an object of 4 KiB stored before. */
  readonly path: string;
}

const OBJECT_BYTES = 4_096;
const PACKAGES: Readonly<Record<BulkTool, string>> = { wrk: 'wrk', h2load: 'nghttp2-client' };

/** The program asked for, or the first that is there. Throws with what to install. */
export function chooseBulkTool(wanted: BulkTool | undefined, isThere: (name: BulkTool) => boolean): BulkTool {
  const found = (wanted === undefined ? BULK_TOOLS : [wanted]).find(isThere);
  if (found !== undefined) return found;
  const names = wanted === undefined ? 'Neither wrk nor h2load is on PATH' : `${wanted} is not on PATH`;
  throw new Error(`${names}: install one (Debian: apt-get install ${PACKAGES[wanted ?? 'wrk']}) and run this again.`);
}

/** Runs it to its end. Throws where the program fails or was never answered. */
export async function runBulk(order: BulkOrder): Promise<BulkResult> {
  const tool = chooseBulkTool(order.tool, (name) => programOnPath(name) !== undefined);
  const target = order.url + (order.path === '' ? await storedPath(order) : order.path);
  const headers = order.token === undefined ? [] : ['-H', `Authorization: Bearer ${order.token}`];
  const connections = String(order.connections);
  const args =
    tool === 'wrk'
      ? ['-t1', '-c', connections, '-d', `${order.seconds}s`, '--latency', ...headers, target]
      : ['--h1', '-t1', '-c', connections, '-D', String(order.seconds), ...headers, target];
  process.stderr.write(`> ${tool} with ${connections} connections for ${order.seconds} s\n`);
  const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit') as Promise<[code: number | null]>;
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  if (code !== 0) throw new Error(`${tool} ended with ${code ?? 'a signal'}: ${errors || output}`);
  return tool === 'wrk' ? parseWrk(output) : parseH2load(output);
}

async function storedPath({ url, token }: BulkOrder): Promise<string> {
  const response = await fetch(`${url}${ROUTES.objectCreate.template}`, {
    method: 'POST',
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    body: new Uint8Array(randomBytes(OBJECT_BYTES)),
  });
  if (!response.ok) throw new Error(`storing the object to read answered ${response.status}`);
  const { id } = (await response.json()) as { id: string };
  return ROUTES.objectGet.template.replace('{id}', id);
}

export const bulkLine = ({
  tool,
  requests,
  requestsPerSecond,
  failed,
  meanMs,
  p50Ms,
  p99Ms,
  maxMs,
}: BulkResult): string =>
  `${tool}: ${requests} requests, ${requestsPerSecond.toFixed(0)} a second, ${failed} failed; ` +
  `mean ${meanMs.toFixed(2)} ms${p50Ms === undefined ? '' : `, p50 ${p50Ms.toFixed(2)} ms`}${p99Ms === undefined ? '' : `, p99 ${p99Ms.toFixed(2)} ms`}, max ${maxMs.toFixed(2)} ms`;
