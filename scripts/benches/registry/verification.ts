import { quorumOf, approve, canonicalPayload, verifyApproval } from '@macronode/log';
import type { Algorithm } from '@macronode/keys';
import type { CaseResult } from '../../bench-harness.ts';
import { SignerGroup } from '../../rig/registry-signers.ts';
import { fsyncMicros } from './disk.ts';
import { type Found, type Part, quantile, rounded, say, single } from './part.ts';
import { PAYLOAD_BYTES, payloadOf } from './payloads.ts';

const ALGORITHMS: readonly Algorithm[] = ['ed25519', 'ml-dsa-44'];
const SIGNERS = [3, 5, 7, 9] as const;
const APPROVALS = [2, 3, 4, 5, 6, 7] as const;
/** What the objectives are said of. */
const REFERENCE = { n: 7, m: 3, size: '64 KiB' } as const;
const VERIFY_P95_MS_MAX = 7;
const MICROS = 1_000;
const ROUNDS_MIN = 20;
const WARM_UP_ROUNDS = 10;

interface Cell {
  readonly n: number;
  readonly m: number;
  readonly algo: Algorithm;
  readonly size: string;
  readonly bytes: number;
}

function cellsOf(quick: boolean): readonly Cell[] {
  const cells: Cell[] = [];
  for (const algo of ALGORITHMS)
    for (const { label: size, bytes } of PAYLOAD_BYTES)
      for (const n of quick ? [REFERENCE.n] : SIGNERS)
        for (const m of quick ? [3, 7] : APPROVALS.filter((one) => one <= n)) cells.push({ n, m, algo, size, bytes });
  return cells;
}

/** What a commit judges of one proposal: each approval by itself, in µs, and hash, approvals and quorum together. */
function measure({ n, m, algo, bytes }: Cell, windowMs: number): { readonly each: number[]; readonly whole: number[] } {
  const group = SignerGroup.make({ n, m, kPq: 0, postQuantum: algo === 'ml-dsa-44' ? n : 0 });
  const payload = payloadOf(bytes);
  const { hash } = canonicalPayload(payload);
  const quorum = group.quorum(0);
  const approvals = quorum.map(({ key, id }) => approve(key, id, hash, new Date()));
  const set = { version: 0, m, k_pq: 0, signers: group.signers };
  const [each, whole]: [number[], number[]] = [[], []];
  const until = performance.now() + windowMs;
  for (let round = 0; round < ROUNDS_MIN + WARM_UP_ROUNDS || performance.now() < until; round += 1) {
    const startedAt = performance.now();
    if (canonicalPayload(payload).hash !== hash) throw new Error('a payload has two hashes');
    const took: number[] = [];
    for (const [at, approval] of approvals.entries()) {
      const signer = quorum[at]?.signer;
      const from = performance.now();
      if (signer === undefined || !verifyApproval(signer, hash, approval))
        throw new Error('a good approval was refused');
      took.push((performance.now() - from) * MICROS);
    }
    if (!quorumOf(set, undefined, approvals, () => true).met) throw new Error('a quorum was not met');
    const micros = (performance.now() - startedAt) * MICROS;
    if (round < WARM_UP_ROUNDS) continue;
    each.push(...took);
    whole.push(micros);
  }
  return { each, whole };
}

function caseOf({ n, m, algo, size }: Cell, { each, whole }: ReturnType<typeof measure>): CaseResult {
  return {
    ...{ case: `${algo}, ${m} of ${n}, ${size}`, unit: 'µs/approval', runs: each.length },
    ...{ median: rounded(quantile(each, 0.5)), min: rounded(quantile(each, 0)), max: rounded(quantile(each, 1)) },
    ...{ p50: rounded(quantile(each, 0.5)), p95: rounded(quantile(each, 0.95)), p99: rounded(quantile(each, 0.99)) },
    cpu_us: { total: rounded(quantile(whole, 0.5)) },
  };
}

async function run(quick: boolean): Promise<Found> {
  const cells = cellsOf(quick);
  const cases: CaseResult[] = [];
  const reference: Partial<Record<Algorithm, { readonly median: number; readonly p95Ms: number }>> = {};
  for (const cell of cells) {
    const measured = measure(cell, quick ? 40 : 150);
    const one = caseOf(cell, measured);
    cases.push(one);
    const isReference = cell.n === REFERENCE.n && cell.m === REFERENCE.m && cell.size === REFERENCE.size;
    if (isReference) reference[cell.algo] = { median: one.median, p95Ms: (one.p95 ?? NaN) / MICROS };
    if (isReference || cell.size === '1 KiB')
      say(`${one.case.padEnd(28)} ${one.median.toFixed(1).padStart(8)} µs, p95 ${(one.p95 ?? NaN).toFixed(0)} µs`);
  }
  const fsync = fsyncMicros(quick ? 50 : 300);
  const overtakes = Object.fromEntries(
    ALGORITHMS.map((algo) => [algo, Math.ceil(fsync / (reference[algo]?.median ?? NaN))]),
  ) as Record<Algorithm, number>;
  say(
    `an fsync takes ${fsync.toFixed(0)} µs here: as long as ${overtakes['ed25519']} Ed25519 or ${overtakes['ml-dsa-44']} ML-DSA-44 approvals`,
  );
  const p95 = Math.max(...ALGORITHMS.map((algo) => reference[algo]?.p95Ms ?? NaN));
  return {
    cases: [
      single('verify_p95', 'ms', p95),
      ...ALGORITHMS.map((algo) => single(`verify_p95 ${algo}`, 'ms', reference[algo]?.p95Ms ?? NaN)),
      ...cases,
    ],
    ratios: {
      'ml-dsa-44 / ed25519, an approval': rounded(
        (reference['ml-dsa-44']?.median ?? NaN) / (reference['ed25519']?.median ?? NaN),
      ),
    },
    figures: {
      'fsync µs': rounded(fsync),
      ...Object.fromEntries(ALGORITHMS.map((algo) => [`approvals an fsync is worth, ${algo}`, overtakes[algo]])),
    },
    goals: [{ name: 'verify_p95_ms', measured: rounded(p95), is: 'at most', bound: VERIFY_P95_MS_MAX }],
  };
}

/** What an approval costs to verify, and when the approvals of a commit cost more than its fsync. */
export const verification: Part = { name: 'verify', run };
