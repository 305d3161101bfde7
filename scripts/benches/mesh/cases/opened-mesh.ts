import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NodeKey } from '@macronode/keys';
import {
  type Claim,
  type Mesh,
  type MeshCounters,
  openMesh,
  showMesh,
  type StandingDelta,
  Standings,
} from '@macronode/mesh';
import { MetricsRegistry } from '@macronode/metrics';
import { poll } from '../../../poll.ts';

const DELTA_TIMEOUT_MS = 10_000;
const POLL_MS = 5;

/** A node of the mesh without peers, in this process with its thread, as a gateway has it. */
interface OpenedMesh extends AsyncDisposable {
  readonly mesh: Mesh;
  readonly counters: MeshCounters;
  /** When its thread has done all that it was told. */
  settled(): Promise<void>;
}

export async function openAlone(): Promise<OpenedMesh> {
  const folder = mkdtempSync(join(tmpdir(), 'macronode-bench-mesh-'));
  const trustFile = join(folder, 'trust.txt');
  // A list names somebody; this node needs no line of its own to be heard by itself.
  writeFileSync(trustFile, `somebody ${NodeKey.ephemeral().publicKeyHex}\n`);
  const scope = new MetricsRegistry().scope({});
  const mesh = await openMesh({
    scope,
    trustFile,
    log: (level, message) => {
      if (level === 'error') process.stderr.write(`${message}\n`);
    },
    listen: { host: '127.0.0.1', port: 0 },
    peers: [],
  });
  return {
    mesh,
    counters: showMesh(scope).counters,
    settled: async () => {
      // Commands go over at the end of a turn, and are answered in order.
      await nextTurn();
      await mesh.claims({ limit: 1 });
    },
    [Symbol.asyncDispose]: async () => {
      await mesh[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const A_CLAIM: Claim = { kind: 'waf_reputation', subject: '192.0.2.1', score: 0.8, reason: 'operator', ttlS: 3_600 };

/**
 * The table of the thread of requests, to be filled at once: by way of the network it would take minutes. It shows itself
 * with the first change it is told of.
 */
export async function standingsOf({ mesh }: OpenedMesh): Promise<Standings> {
  let found: Standings | undefined;
  const apply = Object.getOwnPropertyDescriptor(Standings.prototype, 'apply') ?? {};
  const original = apply.value as (this: Standings, deltas: readonly StandingDelta[]) => void;
  const shown = (standings: Standings): void => {
    found = standings;
  };
  Standings.prototype.apply = function (deltas) {
    shown(this);
    original.call(this, deltas);
  };
  try {
    mesh.publish(A_CLAIM);
    await poll('the first change of a score', DELTA_TIMEOUT_MS, () => found !== undefined, POLL_MS);
  } finally {
    Object.defineProperty(Standings.prototype, 'apply', apply);
  }
  if (found === undefined) throw new Error('no table of scores');
  return found;
}
