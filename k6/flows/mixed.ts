import { ROUTES } from '../../packages/contracts/src/routes.ts';
import type { Flow } from './flow.ts';
import { jsonOf, oneOf, sendJson, type User } from './user.ts';

/** Few enough to be hot in every cache there is. */
const HOT_OBJECTS = 32;
/** Enough that one of them comes round seldom: at a thousand reads a second, each is read cold every ten seconds. */
const COLD_OBJECTS = 1_000;
const NAMES = 16;
const OBJECT_BYTES = 4_096;
const RANGE = { Range: 'bytes=1000-1999' };

export interface ReadWorld {
  readonly hot: readonly string[];
  readonly cold: readonly string[];
  readonly names: readonly string[];
}

interface Read {
  /** Of all reads, from 0 to 1. */
  readonly share: number;
  readonly what: string;
  read(user: User, world: ReadWorld): Promise<void>;
}

async function whole(user: User, id: string): Promise<void> {
  const answer = await user.send(ROUTES.objectGet, { at: id, expect: [200] });
  user.check('GET', { 'every byte comes': answer.body.length === OBJECT_BYTES });
}

/** The read workload of the objectives. */
const READ_MIX: readonly Read[] = [
  { share: 0.6, what: 'hot GET', read: (user, { hot }) => whole(user, oneOf(user, hot)) },
  { share: 0.1, what: 'cold GET', read: (user, { cold }) => whole(user, oneOf(user, cold)) },
  {
    share: 0.15,
    what: 'HEAD',
    read: async (user, { hot }) => {
      const answer = await user.send(ROUTES.objectHead, { at: oneOf(user, hot), expect: [200] });
      user.check('HEAD', { 'the length is told': answer.header('Content-Length') === String(OBJECT_BYTES) });
    },
  },
  {
    share: 0.05,
    what: 'Range',
    read: async (user, { hot }) => {
      const answer = await user.send(ROUTES.objectGet, { at: oneOf(user, hot), headers: RANGE, expect: [206] });
      user.check('range', { 'the part comes': answer.body.length === 1000 });
    },
  },
  {
    share: 0.05,
    what: '304',
    read: async (user, { hot }) => {
      const id = oneOf(user, hot);
      await user.send(ROUTES.objectGet, { at: id, headers: { 'If-None-Match': `"${id}"` }, expect: [304] });
    },
  },
  {
    share: 0.05,
    what: 'by name',
    read: async (user, { names }) => {
      const answer = await user.send(ROUTES.nameRead, { at: oneOf(user, names), expect: [200] });
      user.check('GET by name', { 'every byte comes': answer.body.length === OBJECT_BYTES });
    },
  },
];

async function storeSmall(user: User): Promise<string> {
  const bytes = user.freshObject().bytes.slice(0, OBJECT_BYTES);
  const answer = await user.send(ROUTES.objectCreate, { body: bytes, expect: [200, 201] });
  const { id } = (jsonOf(answer) ?? {}) as { id?: string };
  if (id === undefined) throw new Error(`storing an object answered ${answer.status}`);
  return id;
}

async function storeMany(user: User, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push(await storeSmall(user));
  return ids;
}

/** Reads as the objectives describe them: most of them of what everybody reads. */
export const mixed: Flow<ReadWorld> = {
  summary: READ_MIX.map(({ share, what }) => `${Math.round(share * 100)} % ${what}`).join(', '),
  requestsPerTurn: 1,
  prepare: async (user) => {
    const hot = await storeMany(user, HOT_OBJECTS);
    const cold = await storeMany(user, COLD_OBJECTS);
    const names: string[] = [];
    for (const target of hot.slice(0, NAMES)) {
      const name = `load-${user.run}-${names.length}.hot.example`;
      await sendJson(user, ROUTES.namePut, { target }, { at: name, expect: [200, 201] });
      names.push(name);
    }
    return { hot, cold, names };
  },
  turn: async (user, world) => {
    let left = user.random();
    const read = READ_MIX.find(({ share }) => (left -= share) < 0) ?? READ_MIX[0];
    await read?.read(user, world);
  },
};
