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

const compared =
  (of: Measure) =>
  (ratio: string, ours: string, theirs: string, goal?: Comparison['goal']): Comparison => ({
    ...{ ratio, ours, theirs, of },
    ...(goal === undefined ? {} : { goal }),
  });
const rate = compared('rate');
const p50 = compared('p50');
const p99 = compared('p99');
const cpu = compared('cpu');

/** Every ratio of the report: its name, the case of ours, theirs, and the goal. Of rates more is better, of times and CPU less. */
const COMPARISONS: readonly Comparison[] = [
  rate('nest_redis_256_c1', 'call 256 c1', 'nest_redis 256 c1', atLeast(1)),
  rate('nest_redis_256_c64', 'call 256 c64', 'nest_redis 256 c64', atLeast(3)),
  rate('nest_redis_256_c512', 'call 256 c512', 'nest_redis 256 c512', atLeast(5)),
  rate('send_nest_redis_256_c512', 'send 256 c512', 'nest_redis 256 c512', atLeast(3.5)),
  rate('serve_nest_redis_256_c1', 'call_serve 256 c1', 'nest_redis 256 c1'),
  rate('serve_nest_redis_256_c64', 'call_serve 256 c64', 'nest_redis 256 c64'),
  rate('serve_nest_redis_256_c512', 'call_serve 256 c512', 'nest_redis 256 c512'),
  rate('serve_nest_redis_256_4clients', 'call_serve 256 4 clients c64', 'nest_redis 256 4 clients c64'),
  rate('send_nest_redis_256_c64', 'send 256 c64', 'nest_redis 256 c64'),
  rate('send_nest_redis_256_c1', 'send 256 c1', 'nest_redis 256 c1'),
  rate('nest_redis_256_4clients', 'call 256 4 clients c64', 'nest_redis 256 4 clients c64', atLeast(6)),
  rate('nest_tcp_256_c512', 'call 256 c512', 'nest_tcp 256 c512', atLeast(1.5)),
  rate('nest_redis_65536_c64', 'call 65536 c64', 'nest_redis 65536 c64', atLeast(1.8)),
  rate('nest_redis_65536_binary_c64', 'call 65536 binary c64', 'nest_redis 65536 binary c64', atLeast(10)),
  rate('nest_redis_4096_c64', 'call 4096 c64', 'nest_redis 4096 c64'),
  rate('streams_256_c512', 'call 256 c512', 'streams 256 c512'),
  rate('streams_pipelined_256_c512', 'call 256 c512', 'streams_pipelined 256 c512'),
  rate('bullmq_256_c64', 'call 256 c64', 'bullmq 256 c64'),
  cpu('open_10k_cpu', 'call 256 open', 'nest_redis 256 open', atMost(0.7)),
  p99('open_10k_p99', 'call 256 open', 'nest_redis 256 open', atMost(0.7)),
  p50('nest_redis_256_c1_p50', 'call 256 c1', 'nest_redis 256 c1', atMost(1)),
  p99('nest_redis_256_c64_p99', 'call 256 c64', 'nest_redis 256 c64', atMost(1)),
  p99('nest_redis_256_c512_p99', 'call 256 c512', 'nest_redis 256 c512', atMost(1)),
  cpu('nest_redis_256_c1_cpu', 'call 256 c1', 'nest_redis 256 c1'),
  cpu('nest_redis_256_c512_cpu', 'call 256 c512', 'nest_redis 256 c512'),
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
