import { describe, expect, it } from 'vitest';
import type { Listener } from './topic-bell.ts';
import { TopicBell } from './topic-bell.ts';

const never = new AbortController().signal;
const LONG_MS = 20_000;

function listen(bell: TopicBell, topic = 't'): Listener {
  const listener = bell.listen(topic);
  if (listener === undefined) throw new Error('no place');
  return listener;
}

describe('TopicBell', () => {
  it('wakes one listener per ring, in the order they came', async () => {
    const bell = new TopicBell(10);
    const woken: string[] = [];
    const waits = ['a', 'b', 'c'].map(async (name) => {
      const listener = listen(bell);
      if (await listener.wait(LONG_MS, never)) woken.push(name);
      listener.close();
    });
    bell.ring('t');
    bell.ring('other');
    bell.ring('t');
    await Promise.all(waits.slice(0, 2));
    expect(woken).toEqual(['a', 'b']);
    expect(bell.listeners).toBe(1);
    bell.ringAll('t');
    await Promise.all(waits);
    expect(woken).toEqual(['a', 'b', 'c']);
    expect(bell.listeners).toBe(0);
  });

  it('remembers a ring that came before the wait', async () => {
    const bell = new TopicBell(1);
    const listener = listen(bell);
    bell.ring('t');
    expect(await listener.wait(LONG_MS, never)).toBe(true);
    expect(await listener.wait(1, never)).toBe(false);
  });

  it('passes on a ring whose listener is gone', async () => {
    const bell = new TopicBell(2);
    const gone = new AbortController();
    const first = listen(bell);
    const second = listen(bell);
    const waits = [first.wait(LONG_MS, gone.signal), second.wait(LONG_MS, never)];
    bell.ring('t');
    gone.abort();
    expect(await waits[0]).toBe(false);
    first.close();
    expect(await waits[1]).toBe(true);
  });

  it('stops waiting when the caller goes', async () => {
    const gone = new AbortController();
    const listener = listen(new TopicBell(1));
    const wait = listener.wait(LONG_MS, gone.signal);
    gone.abort();
    expect(await wait).toBe(false);
    expect(await listener.wait(LONG_MS, gone.signal)).toBe(false);
  });

  it('has as many places as it was given', () => {
    const bell = new TopicBell(2);
    const first = listen(bell, 'a');
    listen(bell, 'b');
    expect(bell.listen('c')).toBeUndefined();
    first.close();
    first.close();
    expect(bell.listeners).toBe(1);
    expect(bell.listen('c')).toBeDefined();
  });

  it('ends all waiting when dismissed', async () => {
    const bell = new TopicBell(2);
    const wait = listen(bell).wait(LONG_MS, never);
    bell.dismiss();
    expect(await wait).toBe(false);
    expect(await listen(bell).wait(LONG_MS, never)).toBe(false);
  });
});
