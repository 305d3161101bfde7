import { describe, expect, it } from 'vitest';
import { LIMITS } from './limits.ts';
import { SERVICES, SUBJECTS, type Subject } from './subjects.ts';

const subjects = Object.values(SUBJECTS).flatMap(
  (verbs) => Object.values(verbs) as unknown as readonly Subject<unknown, unknown>[],
);

describe('subjects', () => {
  it('have unique names under the service that answers', () => {
    expect(new Set(subjects.map((subject) => subject.name)).size).toBe(subjects.length);
    for (const subject of subjects) {
      expect(SERVICES).toContain(subject.service);
      expect(subject.name).toMatch(new RegExp(`^${subject.service}(\\.[a-z]+)+$`));
      expect(subject.deadlineMs).toBeGreaterThan(0);
    }
  });

  it('wait for a long poll longer than the poll itself', () => {
    expect(SUBJECTS.mailbox.recv.deadlineMs).toBeGreaterThan(LIMITS.mailbox_wait_max_ms.value);
    expect(SUBJECTS.omnigate.mailboxRecv.deadlineMs).toBe(SUBJECTS.mailbox.recv.deadlineMs);
  });

  it('echo at most as many bytes as the route takes, and may be repeated', () => {
    const echoes = subjects.filter(({ name }) => name.endsWith('.echo'));
    expect(echoes.map(({ service }) => service)).toEqual(['omnigate', 'index', 'storage', 'mailbox']);
    for (const { idempotent, request } of echoes) {
      expect(idempotent).toBe(true);
      expect(request.safeParse(new Uint8Array(LIMITS.echo_bytes.value)).success).toBe(true);
      expect(request.safeParse(new Uint8Array(LIMITS.echo_bytes.value + 1)).success).toBe(false);
      expect(request.safeParse('text').success).toBe(false);
    }
  });

  it('do not call a publication idempotent: the node may pick the next sequence twice', () => {
    expect(SUBJECTS.index.namePut.idempotent).toBe(false);
    expect(SUBJECTS.mailbox.recv.idempotent).toBe(false);
  });
});
