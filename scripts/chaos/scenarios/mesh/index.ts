import type { Scenario } from '../../scenario.ts';
import { clients } from './clients.ts';
import { gateways } from './gateways.ts';
import { hostile } from './hostile.ts';
import { links } from './links.ts';

/** Three gateways that are peers of each other, under the ordinary load. The flood comes last: it leaves a full table. */
export const meshScenarios: readonly Scenario[] = [...clients, ...links, ...gateways, ...hostile];
