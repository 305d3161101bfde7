import type { Bench, SelfRunningBench } from '../bench-harness.ts';
import { accessLog } from './access-log.ts';
import { blake3 } from './blake3.ts';
import { busIdle } from './bus-idle.ts';
import { busInProcess } from './bus-in-process.ts';
import { busOverflow } from './bus-overflow.ts';
import { bus } from './bus.ts';
import { coldStart } from './cold-start.ts';
import { compose } from './compose.ts';
import { edge } from './edge.ts';
import { flows, flowsMicronode } from './flows.ts';
import { meshBudget } from './mesh-budget.ts';
import { mesh } from './mesh.ts';
import { metrics } from './metrics.ts';
import { oap } from './oap.ts';
import { registry } from './registry.ts';
import { ronctl } from './ronctl.ts';
import { sustained } from './sustained.ts';
import { tracing } from './tracing.ts';

/** Every benchmark by its name on the command line. */
export const BENCHES: Readonly<Record<string, Bench | SelfRunningBench>> = {
  'access-log': accessLog,
  blake3,
  bus,
  'bus-idle': busIdle,
  'bus-in-process': busInProcess,
  'bus-overflow': busOverflow,
  'cold-start': coldStart,
  compose,
  edge,
  flows,
  'flows-micronode': flowsMicronode,
  mesh,
  'mesh-budget': meshBudget,
  metrics,
  oap,
  registry,
  ronctl,
  sustained,
  tracing,
};
