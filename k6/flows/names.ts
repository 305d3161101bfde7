import { ROUTES } from '../../packages/contracts/src/routes.ts';
import type { Flow } from './flow.ts';
import { type FreshObject, jsonOf, sendJson } from './user.ts';
import { store } from './objects.ts';

const READS = 8;

interface World {
  readonly target: FreshObject['id'];
}

/** A name of one's own moved, and resolved by whoever asks. */
export const names: Flow<World> = {
  summary: 'a name published, then its record read eight times and its object asked for by name',
  requestsPerTurn: READS + 2,
  prepare: async (user) => {
    const object = user.freshObject();
    await store(user, object);
    return { target: object.id };
  },
  turn: async (user, { target }) => {
    const name = `load-${user.run}-${user.number}.example`;
    await sendJson(user, ROUTES.namePut, { target }, { at: name, expect: [200, 201] });
    for (let read = 0; read < READS; read += 1) {
      const answer = await user.send(ROUTES.nameGet, { at: name, expect: [200] });
      const record = jsonOf(answer) as { record?: { target?: string } } | undefined;
      user.check('resolve', { 'the record points to the object': record?.record?.target === target });
    }
    const head = await user.send(ROUTES.nameHead, { at: name, expect: [200] });
    user.check('HEAD by name', { 'the tag is that of the object': head.header('ETag') === `"${target}"` });
  },
};
