import type { ProfileResult } from './profile-run.ts';

/** k6 ends with this where a threshold was crossed: the node is at fault, not the test. */
const NODE_AT_FAULT = 99;

/** The code of a whole run: a broken run keeps that of k6, and a judgement after it counts as a threshold. A search for the knee never fails by it. */
export function exitCodeOfRun({ exitCode, truths, ledger, recovery, knee }: ProfileResult): number {
  if (exitCode !== 0 && exitCode !== NODE_AT_FAULT) return exitCode;
  if (knee !== undefined) return 0;
  const isJudgedWell =
    truths.every(({ ok }) => ok !== false) && ledger?.ok !== false && recovery?.ok !== false && exitCode === 0;
  return isJudgedWell ? 0 : NODE_AT_FAULT;
}

const mark = (ok: boolean | undefined): string => (ok === undefined ? 'shown' : ok ? 'ok' : 'FAILED');
const percent = (share: number): string => `${(share * 100).toFixed(2)} %`;

/** What the run showed beside the summary of k6, for people. */
export function linesOf(result: ProfileResult): readonly string[] {
  const { profile, truths, ledger, recovery, knee, cpuMicros } = result;
  const width = Math.max(0, ...truths.map(({ name }) => name.length));
  const lines = truths.map(
    ({ name, ok, observed, bound, instance }) =>
      `  ${mark(ok).padEnd(6)}  ${name.padEnd(width)}  ${observed} (${instance}); ${bound}`,
  );
  if (ledger !== undefined) {
    lines.push(
      `  ${mark(ledger.ok).padEnd(6)}  messages: ${ledger.accepted} accepted, ${ledger.acknowledged} acknowledged, ${ledger.left} left in topics, ${ledger.lost} lost, ${ledger.afterAck} after their acknowledgement, ${ledger.redelivered} redelivered, ${ledger.undecided} undecided`,
    );
  }
  if (recovery !== undefined) {
    lines.push(
      `  ${mark(recovery.ok).padEnd(6)}  recovers: p95 ${recovery.lastP95Ms.toFixed(1)} ms at the end, ${recovery.firstP95Ms.toFixed(1)} ms before; ${recovery.boundMs.toFixed(1)} ms at most`,
    );
  }
  if (knee !== undefined) lines.push(...kneeLines(knee));
  const cpu = Object.entries(cpuMicros).map(([instance, micros]) => `${instance} ${micros.toFixed(0)}`);
  if (cpu.length > 0) lines.push(`  CPU µs per request: ${cpu.join(', ')}`);
  lines.push('', `${profile}: ${exitCodeOfRun(result) === 0 ? 'passed' : 'FAILED'}`);
  return lines;
}

function kneeLines({ steps, last, broke }: NonNullable<ProfileResult['knee']>): readonly string[] {
  const table = steps.map(
    ({ offered, done, p95Ms, refused, unavailable, broke: why }) =>
      `  ${offered.toFixed(0).padStart(7)}  ${done.toFixed(0).padStart(7)}  ${p95Ms.toFixed(1).padStart(8)} ms  ${percent(refused).padStart(8)}  ${percent(unavailable).padStart(8)}  ${why ?? ''}`,
  );
  const found =
    last === undefined
      ? 'the first step broke already: begin with a lower --rate'
      : broke === undefined
        ? `no knee up to ${last.offered.toFixed(0)} requests/s: begin with a higher --rate`
        : broke.broke === 'offered less'
          ? `k6 did not offer ${broke.offered.toFixed(0)} requests/s; the node held ${last.done.toFixed(0)}: it was k6, or its users, that ended first`
          : `the knee is at ${last.done.toFixed(0)} requests/s, p95 ${last.p95Ms.toFixed(1)} ms; at ${broke.offered.toFixed(0)} it breaks by ${broke.broke ?? ''}`;
  return ['  offered     done      p95       refused  unavailable', ...table, `  ${found}`];
}
