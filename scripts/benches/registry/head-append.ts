import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { approve, canonicalPayload, makeLeaf } from '@macronode/log';
import { MetricsRegistry } from '@macronode/metrics';
import type { AppendEntry, AuditFact } from '../../../apps/registry/src/log.store.ts';
import { SqliteLogStore } from '../../../apps/registry/src/sqlite-log.store.ts';
import { SignerGroup } from '../../rig/registry-signers.ts';
import { benchFolder } from './disk.ts';
import { type Found, type Part, percentilesOf, say, spread } from './part.ts';
import { payloadOf } from './payloads.ts';

const CONTENDERS = 8;
const PAYLOAD_BYTES = 1_024;
const MS_PER_SECOND = 1_000;

const audit: AuditFact = {
  ...{ at: 0, writerId: 'bench', kind: 'commit', actor: 'org:rig#key1', subject: null, reason: null },
  attrs: { version: 1 },
};

/** Makes entries that continue one another, as the commit section hands them to the store: leaf, root, nonce. */
class Entries {
  readonly #group = SignerGroup.make();
  readonly #quorum = this.#group.quorum(0);

  next(version: number, prevHash: string | null): AppendEntry {
    const payload = payloadOf(PAYLOAD_BYTES, version, prevHash);
    // Contenders propose different things for one place.
    const label = { id: randomBytes(8).toString('hex'), kind: 'node' };
    const proposed = payload.kind === 'set' ? { ...payload, items: [label, ...payload.items.slice(1)] } : payload;
    const canonical = canonicalPayload(proposed);
    const approvals = this.#quorum.map(({ key, id }) => approve(key, id, canonical.hash, new Date(0)));
    const leaf = makeLeaf(proposed, canonical, approvals, new Date(0));
    return {
      ...{ version, prevHash, leaf: leaf.text, entryHash: leaf.hash, payloadHash: canonical.hash, audit },
      ...{ kind: payload.kind, lockedOutside: false },
      ...{ leafHash: randomBytes(32), root: randomBytes(32) },
      ...{ nonce: randomBytes(16).toString('hex'), nonceExpiresAt: 0 },
    };
  }
}

interface Contest {
  /** Milliseconds of each append that made the head. */
  readonly ms: readonly number[];
  readonly lost: number;
  readonly perSecond: number;
}

/** Everybody reads the head, makes the entry after it and tries to put it there, until the time is over. */
async function contest(store: SqliteLogStore, contenders: number, windowMs: number): Promise<Contest> {
  const entries = new Entries();
  const ms: number[] = [];
  let lost = 0;
  const startedAt = performance.now();
  const contender = async (): Promise<void> => {
    while (performance.now() - startedAt < windowMs) {
      const head = store.head();
      const entry = entries.next((head?.version ?? 0) + 1, head?.entryHash ?? null);
      const from = performance.now();
      const { outcome } = await store.append(entry);
      if (outcome === 'committed') ms.push(performance.now() - from);
      else if (outcome === 'cas') lost += 1;
      else throw new Error(`an append came to ${outcome}`);
    }
  };
  await Promise.all(Array.from({ length: contenders }, contender));
  return { ms, lost, perSecond: ms.length / ((performance.now() - startedAt) / MS_PER_SECOND) };
}

async function measured(location: { file: string } | 'memory', contenders: number, windowMs: number): Promise<Contest> {
  const metrics = new MetricsRegistry().scope({ service: 'registry' });
  const store = await SqliteLogStore.open({ location, metrics });
  try {
    return await contest(store, contenders, windowMs);
  } finally {
    await store.close();
  }
}

async function run(quick: boolean): Promise<Found> {
  const windowMs = quick ? 800 : 4_000;
  const found: Found[] = [];
  for (const place of ['disk', 'memory'] as const) {
    for (const contenders of [1, CONTENDERS]) {
      using folder = benchFolder();
      const location = place === 'memory' ? place : { file: join(folder.path, 'registry.db') };
      const { ms, lost, perSecond } = await measured(location, contenders, windowMs);
      const name = `head append, ${place}, ${contenders === 1 ? 'alone' : `${contenders} contenders`}`;
      say(`${name}: ${perSecond.toFixed(0)}/s, ${lost} lost the race`);
      found.push({
        cases: [{ ...spread(name, 'ms', ms), ...percentilesOf(ms) }],
        figures: { [`${name}, heads a second`]: Math.round(perSecond), [`${name}, races lost`]: lost },
      });
    }
  }
  return {
    cases: found.flatMap(({ cases = [] }) => cases),
    figures: Object.assign({}, ...found.map(({ figures }) => figures)) as Record<string, number>,
  };
}

/** Compare-and-swap of the head with the append, through the store of the registry: one transaction, one fsync. */
export const headAppend: Part = { name: 'append', run };
