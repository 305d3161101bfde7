import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyConsistency, verifyInclusion, leafHash } from '@macronode/log';
import { signers, TestLog, type TestSigner } from './log-fixture.ts';

const members = signers(3);
const M = 2;

/** What a log must be: a list, and what is open beside it. */
interface Model {
  entries: string[];
  open: Map<string, { readonly version: number; readonly approved: Set<number> }>;
}
interface Real {
  readonly log: TestLog;
  readonly roots: Uint8Array[];
}

const member = (at: number): TestSigner => {
  const signer = members[at];
  if (signer === undefined) throw new Error('member');
  return signer;
};
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: unknown) => (error as { code: string }).code,
  );
/** One of the proposals, the same one for model and log; the newest is 0. */
const pick = (model: Model, at: number): string | undefined =>
  [...model.open.keys()].at(-1 - (at % Math.max(1, model.open.size)));

class Propose implements fc.AsyncCommand<Model, Real> {
  constructor(
    readonly by: number,
    readonly item: number,
  ) {}
  check = (model: Readonly<Model>): boolean => model.open.size < 64;
  async run(model: Model, { log }: Real): Promise<void> {
    const id = await log.propose(log.next([{ id: `n${this.item}`, kind: 'node' }], 600_000), member(this.by));
    const version = model.entries.length + 1;
    if (!model.open.has(id)) model.open.set(id, { version, approved: new Set() });
  }
  toString = (): string => `propose(${this.by}, ${this.item})`;
}

class Approve implements fc.AsyncCommand<Model, Real> {
  constructor(
    readonly by: number,
    readonly at: number,
  ) {}
  check = (model: Readonly<Model>): boolean => model.open.size > 0;
  async run(model: Model, { log }: Real): Promise<void> {
    const id = pick(model, this.at) ?? '';
    const proposal = model.open.get(id);
    const stale = proposal?.version !== model.entries.length + 1;
    expect(await codeOf(log.approve(id, member(this.by)))).toBe(stale ? 'chain_mismatch' : 'ok');
    if (!stale) proposal.approved.add(this.by);
  }
  toString = (): string => `approve(${this.by}, ${this.at})`;
}

class Commit implements fc.AsyncCommand<Model, Real> {
  constructor(
    readonly by: number,
    readonly at: number,
  ) {}
  check = (model: Readonly<Model>): boolean => model.open.size > 0;
  async run(model: Model, { log, roots }: Real): Promise<void> {
    const id = pick(model, this.at) ?? '';
    const proposal = model.open.get(id);
    const stale = proposal?.version !== model.entries.length + 1;
    const expected = model.entries.includes(id)
      ? 'ok'
      : stale
        ? 'chain_mismatch'
        : proposal.approved.size < M
          ? 'quorum_failed'
          : 'ok';
    expect(await codeOf(log.commit(id, member(this.by)))).toBe(expected);
    if (expected !== 'ok' || model.entries.includes(id)) return;
    model.entries.push(id);
    roots.push(log.log.tree.root());
  }
  toString = (): string => `commit(${this.by}, ${this.at})`;
}

/** R1, R2, R5, and that every root this log had leads to the one it has. */
function assertWhole({ log, roots }: Real, model: Model): void {
  const { store, tree, head } = log.log;
  const entries = [...store.entries(0, 10_000)];
  expect(entries.map(({ version }) => version)).toEqual(model.entries.map((_, at) => at + 1));
  let prev: string | null = null;
  for (const [at, entry] of entries.entries()) {
    const leaf = JSON.parse(entry.leaf) as { prev_hash: string | null; payload_b3: string; approvals: unknown[] };
    expect([leaf.prev_hash, leaf.payload_b3]).toEqual([prev, model.entries[at]]);
    expect(leaf.approvals.length).toBeGreaterThanOrEqual(M);
    prev = entry.entryHash;
    const claim = { leaf: leafHash(Buffer.from(entry.leaf)), index: at, size: tree.size, root: tree.root() };
    expect(verifyInclusion(claim, tree.inclusionProof(at))).toBe(true);
  }
  expect(head).toMatchObject({ version: entries.length, entry_b3: prev, checkpoint_size: entries.length });
  for (const [at, root] of roots.entries()) {
    const claim = { from: at + 1, fromRoot: root, to: tree.size, toRoot: tree.root() };
    expect(verifyConsistency(claim, tree.consistencyProof(at + 1))).toBe(true);
  }
}

describe('a log', () => {
  it('is the list of what was committed, whatever is asked of it in whatever order', async () => {
    const by = fc.nat(2);
    const at = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(7));
    const commands = [
      fc.tuple(by, fc.nat(30)).map(([signer, item]) => new Propose(signer, item)),
      fc.tuple(by, at).map(([signer, which]) => new Approve(signer, which)),
      fc.tuple(by, at).map(([signer, which]) => new Approve(signer, which)),
      fc.tuple(by, at).map(([signer, which]) => new Commit(signer, which)),
    ];
    let committed = 0;
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 80, size: 'max' }), async (run) => {
        await using log = await TestLog.open({ members, m: M, ratePerSecond: 100_000 });
        const real = { log, roots: [] };
        const model: Model = { entries: [], open: new Map() };
        await fc.asyncModelRun(() => ({ model, real }), run);
        assertWhole(real, model);
        committed += model.entries.length;
      }),
      { numRuns: 60 },
    );
    expect(committed).toBeGreaterThan(60);
  }, 60_000);
});
