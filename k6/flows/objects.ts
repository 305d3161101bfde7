import { ROUTES } from '../../packages/contracts/src/routes.ts';
import type { Flow } from './flow.ts';
import { FRESH_BYTES, type FreshObject, type User } from './user.ts';

export function store(user: User, { id, bytes }: FreshObject): ReturnType<User['send']> {
  const headers = { 'Content-Type': 'application/octet-stream' };
  return user.send(ROUTES.objectPut, { at: id, body: bytes, headers, expect: [201] });
}

/** A fresh object stored, then read in every way. */
export const objects: Flow<null> = {
  summary: 'a fresh object of 64 KiB stored, then GET, HEAD, Range and If-None-Match',
  requestsPerTurn: 5,
  prepare: async () => null,
  turn: async (user) => {
    const object = user.freshObject();
    const tag = `"${object.id}"`;
    const put = await store(user, object);
    user.check('PUT', { 'the tag is the BLAKE3 of the body': put.header('ETag') === tag });
    const get = await user.send(ROUTES.objectGet, { at: object.id, expect: [200] });
    user.check('GET', {
      'every byte comes': get.body.length === FRESH_BYTES,
      'the first bytes are right': get.body[0] === object.bytes[0] && get.body[7] === object.bytes[7],
    });
    const head = await user.send(ROUTES.objectHead, { at: object.id, expect: [200] });
    user.check('HEAD', { 'the length is told': head.header('Content-Length') === String(FRESH_BYTES) });
    const range = { Range: 'bytes=1000-1999' };
    const part = await user.send(ROUTES.objectGet, { at: object.id, headers: range, expect: [206] });
    user.check('range', { 'the part comes': part.body.length === 1000 });
    const known = { 'If-None-Match': tag };
    await user.send(ROUTES.objectGet, { at: object.id, headers: known, expect: [304] });
  },
};

/** Writes only. */
export const puts: Flow<null> = {
  summary: 'a fresh object of 64 KiB stored',
  requestsPerTurn: 1,
  prepare: async () => null,
  turn: async (user) => {
    await store(user, user.freshObject());
  },
};
