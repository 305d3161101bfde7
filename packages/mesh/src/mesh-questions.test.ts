import { describe, expect, it } from 'vitest';
import { MeshQuestions } from './mesh-questions.ts';
import type { ToMeshThread } from './mesh-thread-protocol.ts';

const LONG_MS = 60_000;

describe('questions to the mesh thread', () => {
  const made = (limits: { questions: number; questionMs: number }, runs = true) => {
    const posted: ToMeshThread[] = [];
    const questions = new MeshQuestions((message) => {
      if (runs) posted.push(message);
      return runs;
    }, limits);
    return { questions, posted };
  };

  it('are answered by their numbers, whatever the order', async () => {
    const { questions, posted } = made({ questions: 2, questionMs: LONG_MS });
    const [one, two] = [questions.ask({ kind: 'peers' }), questions.ask({ kind: 'reload' })];
    expect(posted).toMatchObject([{ id: 1 }, { id: 2 }]);
    questions.answered(2, { result: 'loaded', nodes: 3 });
    questions.refused(1, 'it failed');
    expect(await two).toEqual({ result: 'loaded', nodes: 3 });
    await expect(one).rejects.toMatchObject({ name: 'MeshUnavailable', reason: 'failed' });
  });

  it('are refused where too many wait, where nobody is there, and where the thread is lost', async () => {
    const { questions } = made({ questions: 1, questionMs: LONG_MS });
    const waits = questions.ask({ kind: 'peers' });
    await expect(questions.ask({ kind: 'peers' })).rejects.toMatchObject({ reason: 'busy' });
    questions.lost();
    await expect(waits).rejects.toMatchObject({ reason: 'closed' });
    await expect(
      made({ questions: 1, questionMs: LONG_MS }, false).questions.ask({ kind: 'peers' }),
    ).rejects.toMatchObject({ reason: 'closed' });
  });

  it("are given up in time, and an answer that comes later is nobody's", async () => {
    const { questions } = made({ questions: 1, questionMs: 1 });
    await expect(questions.ask({ kind: 'peers' })).rejects.toMatchObject({ reason: 'late' });
    questions.answered(1, []);
    const next = questions.ask({ kind: 'peers' });
    questions.answered(2, []);
    expect(await next).toEqual([]);
  });
});
