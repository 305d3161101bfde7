import { echo } from './echo.ts';
import type { Flow } from './flow.ts';
import { governance } from './governance.ts';
import { mailbox } from './mailbox.ts';
import { mesh } from './mesh.ts';
import { mixed } from './mixed.ts';
import { names } from './names.ts';
import { objects, puts } from './objects.ts';
import { registry } from './registry.ts';

/** What users of a node do: the flows the performance gate compares. The last two sign with the keys of the registry's signers. */
export const FLOW_NAMES = ['echo', 'mixed', 'objects', 'puts', 'names', 'mailbox', 'registry', 'governance'] as const;
export type FlowName = (typeof FLOW_NAMES)[number];

/**
 * What a load may be made of: those, and the flow that holds gateways to what they say of clients. Its requests are HEADs, whose
 * cost the gate compares in others.
 */
export const LOAD_NAMES = [...FLOW_NAMES, 'mesh'] as const;
export type LoadName = (typeof LOAD_NAMES)[number];

/** Every flow by its name; each takes the world it made. */
export const FLOWS: Readonly<Record<LoadName, Flow>> = {
  echo,
  mixed,
  objects,
  puts,
  names,
  mailbox,
  registry,
  governance,
  mesh,
};
