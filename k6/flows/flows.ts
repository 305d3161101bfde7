import { echo } from './echo.ts';
import type { Flow } from './flow.ts';
import { governance } from './governance.ts';
import { mailbox } from './mailbox.ts';
import { mixed } from './mixed.ts';
import { names } from './names.ts';
import { objects, puts } from './objects.ts';
import { registry } from './registry.ts';

/** What users of a node do: the flows the performance gate compares. */
export const FLOW_NAMES = ['echo', 'mixed', 'objects', 'puts', 'names', 'mailbox'] as const;
export type FlowName = (typeof FLOW_NAMES)[number];
/** What readers and signers of its registry do. They sign with the keys of its signers, which a gate of two revisions has not. */
const LOG_FLOW_NAMES = ['registry', 'governance'] as const;
export const EVERY_FLOW_NAME = [...FLOW_NAMES, ...LOG_FLOW_NAMES] as const;
export type AnyFlowName = (typeof EVERY_FLOW_NAME)[number];

/** Every flow by its name; each takes the world it made. */
export const FLOWS: Readonly<Record<AnyFlowName, Flow>> = {
  echo,
  mixed,
  objects,
  puts,
  names,
  mailbox,
  registry,
  governance,
};
