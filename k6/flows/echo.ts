import { ROUTES } from '../../packages/contracts/src/routes.ts';
import type { Flow } from './flow.ts';
import { sameBytes } from './user.ts';

const BODY_BYTES = 256;

/** Through every service and back, no store: what the house costs by itself. */
export const echo: Flow<null> = {
  summary: '256 bytes through every service and back, no store',
  requestsPerTurn: 1,
  prepare: async () => null,
  turn: async (user) => {
    const body = Uint8Array.from({ length: BODY_BYTES }, (_, at) => (at + user.number) & 0xff);
    const headers = { 'Content-Type': 'application/octet-stream' };
    const answer = await user.send(ROUTES.echo, { body, headers, expect: [200] });
    user.check('echo', { 'the bytes come back': sameBytes(answer.body, body) });
  },
};
