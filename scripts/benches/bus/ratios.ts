import type { CaseResult, Goal } from '../../bench-harness.ts';

/** Which number of two cells is compared, ours ÷ theirs. */
type Measure = 'rate' | 'p50' | 'p99' | 'cpu';

interface Comparison {
  readonly ratio: string;
  readonly ours: string;
  readonly theirs: string;
  readonly of: Measure;
  /** What the ratio must reach. */
  readonly goal?: { readonly is: 'at least' | 'at most'; readonly bound: number };
}

const atLeast = (bound: number) => ({ is: 'at least', bound }) as const;
const atMost = (bound: number) => ({ is: 'at most', bound }) as const;

/** Every ratio of the report. Of rates more is better, of times and CPU less. */
const COMPARISONS: readonly Comparison[] = [
  { ratio: 'nest_redis_256_c1', ours: 'call 256 c1', theirs: 'nest_redis 256 c1', of: 'rate', goal: atLeast(1) },
  { ratio: 'nest_redis_256_c64', ours: 'call 256 c64', theirs: 'nest_redis 256 c64', of: 'rate', goal: atLeast(3) },
  { ratio: 'nest_redis_256_c512', ours: 'call 256 c512', theirs: 'nest_redis 256 c512', of: 'rate', goal: atLeast(5) },
  {
    ratio: 'send_nest_redis_256_c512',
    ours: 'send 256 c512',
    theirs: 'nest_redis 256 c512',
    of: 'rate',
    goal: atLeast(3.5),
  },
  { ratio: 'serve_nest_redis_256_c1', ours: 'call_serve 256 c1', theirs: 'nest_redis 256 c1', of: 'rate' },
  { ratio: 'serve_nest_redis_256_c64', ours: 'call_serve 256 c64', theirs: 'nest_redis 256 c64', of: 'rate' },
  { ratio: 'serve_nest_redis_256_c512', ours: 'call_serve 256 c512', theirs: 'nest_redis 256 c512', of: 'rate' },
  {
    ratio: 'serve_nest_redis_256_4clients',
    ours: 'call_serve 256 4 clients c64',
    theirs: 'nest_redis 256 4 clients c64',
    of: 'rate',
  },
  { ratio: 'send_nest_redis_256_c64', ours: 'send 256 c64', theirs: 'nest_redis 256 c64', of: 'rate' },
  { ratio: 'send_nest_redis_256_c1', ours: 'send 256 c1', theirs: 'nest_redis 256 c1', of: 'rate' },
  {
    ratio: 'nest_redis_256_4clients',
    ours: 'call 256 4 clients c64',
    theirs: 'nest_redis 256 4 clients c64',
    of: 'rate',
    goal: atLeast(6),
  },
  { ratio: 'nest_tcp_256_c512', ours: 'call 256 c512', theirs: 'nest_tcp 256 c512', of: 'rate', goal: atLeast(1.5) },
  {
    ratio: 'nest_redis_65536_c64',
    ours: 'call 65536 c64',
    theirs: 'nest_redis 65536 c64',
    of: 'rate',
    goal: atLeast(1.8),
  },
  {
    ratio: 'nest_redis_65536_binary_c64',
    ours: 'call 65536 binary c64',
    theirs: 'nest_redis 65536 binary c64',
    of: 'rate',
    goal: atLeast(10),
  },
  { ratio: 'nest_redis_4096_c64', ours: 'call 4096 c64', theirs: 'nest_redis 4096 c64', of: 'rate' },
  { ratio: 'streams_256_c512', ours: 'call 256 c512', theirs: 'streams 256 c512', of: 'rate' },
  { ratio: 'streams_pipelined_256_c512', ours: 'call 256 c512', theirs: 'streams_pipelined 256 c512', of: 'rate' },
  { ratio: 'bullmq_256_c64', ours: 'call 256 c64', theirs: 'bullmq 256 c64', of: 'rate' },
  { ratio: 'open_10k_cpu', ours: 'call 256 open', theirs: 'nest_redis 256 open', of: 'cpu', goal: atMost(0.7) },
  { ratio: 'open_10k_p99', ours: 'call 256 open', theirs: 'nest_redis 256 open', of: 'p99', goal: atMost(0.7) },
  { ratio: 'nest_redis_256_c1_p50', ours: 'call 256 c1', theirs: 'nest_redis 256 c1', of: 'p50', goal: atMost(1) },
  { ratio: 'nest_redis_256_c64_p99', ours: 'call 256 c64', theirs: 'nest_redis 256 c64', of: 'p99', goal: atMost(1) },
  {
    ratio: 'nest_redis_256_c512_p99',
    ours: 'call 256 c512',
    theirs: 'nest_redis 256 c512',
    of: 'p99',
    goal: atMost(1),
  },
  { ratio: 'nest_redis_256_c1_cpu', ours: 'call 256 c1', theirs: 'nest_redis 256 c1', of: 'cpu' },
  { ratio: 'nest_redis_256_c512_cpu', ours: 'call 256 c512', theirs: 'nest_redis 256 c512', of: 'cpu' },
];

const PICK: Readonly<Record<Measure, (result: CaseResult) => number | undefined>> = {
  rate: ({ median }) => median,
  p50: ({ p50 }) => p50,
  p99: ({ p99 }) => p99,
  cpu: ({ cpu_us }) => cpu_us?.['total'],
};

const SIGNIFICANT_DIGITS = 4;

/** The ratios both sides of which were measured, and how they stand to their goals. */
export function compare(cases: readonly CaseResult[]): { ratios: Record<string, number>; goals: Goal[] } {
  const ratios: Record<string, number> = {};
  const goals: Goal[] = [];
  for (const { ratio, ours, theirs, of, goal } of COMPARISONS) {
    const pick = (name: string): number | undefined => {
      const result = cases.find((each) => each.case === name);
      return result === undefined ? undefined : PICK[of](result);
    };
    const [own, other] = [pick(ours), pick(theirs)];
    if (own === undefined || other === undefined) continue;
    const measured = Number((own / other).toPrecision(SIGNIFICANT_DIGITS));
    ratios[ratio] = measured;
    if (goal !== undefined) goals.push({ name: ratio, measured, ...goal });
  }
  return { ratios, goals };
}
