import { ROUTES } from '../../packages/contracts/src/routes.ts';
import type { Flow } from './flow.ts';
import { store } from './objects.ts';
import type { Answer, User } from './user.ts';

const SCORE_HEADER = 'X-Macronode-Mesh-Score';
/** What no gateway says of anybody: a client that is not known well, and scores out of range. */
const BROUGHT = ['0.000', '1.001', '-1.000'] as const;
const SCORE = /^(0\.(?!000)\d{3}|1\.000)$/;

interface World {
  readonly id: string;
}

/** A client that would like to be thought of otherwise. Holds whether the mesh is on or off, and whether it knows the client. */
export const mesh: Flow<World> = {
  summary: 'an object read as it is, then with a score of its own three times: none is believed or echoed',
  requestsPerTurn: 1 + BROUGHT.length,
  prepare: async (user) => {
    const object = user.freshObject();
    await store(user, object);
    return { id: object.id };
  },
  turn: async (user, { id }) => {
    judge(user, await user.send(ROUTES.objectHead, { at: id, expect: [200] }));
    for (const brought of BROUGHT) {
      const headers = { [SCORE_HEADER]: brought };
      judge(user, await user.send(ROUTES.objectHead, { at: id, headers, expect: [200] }));
    }
  },
};

function judge(user: User, answer: Answer): void {
  const told = answer.header(SCORE_HEADER);
  user.check('mesh score', { 'it is one a gateway says, or there is none': told === '' || SCORE.test(told) });
}
