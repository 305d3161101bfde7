import { MeshUnavailable } from './mesh-errors.ts';
import type { MeshAnswer, MeshQuestion, ToMeshThread } from './mesh-thread-protocol.ts';

/** Questions that wait for an answer: operators ask, not requests. */
const WAITING_MAX = 64;
/** Ms after which a question is given up. */
const DEADLINE_MS = 5_000;

interface Waiting {
  readonly resolve: (answer: MeshAnswer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Questions to the mesh thread, each with a deadline. */
export class MeshQuestions {
  readonly #post: (message: ToMeshThread) => boolean;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  /** `post` says whether there is a thread to ask. */
  constructor(post: (message: ToMeshThread) => boolean) {
    this.#post = post;
  }

  /** Rejects with {@link MeshUnavailable}. */
  ask(question: MeshQuestion): Promise<MeshAnswer> {
    if (this.#waiting.size >= WAITING_MAX) return Promise.reject(new MeshUnavailable('busy'));
    const id = (this.#lastId += 1);
    if (!this.#post({ kind: 'ask', id, question })) return Promise.reject(new MeshUnavailable('closed'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new MeshUnavailable('late'));
      }, DEADLINE_MS);
      this.#waiting.set(id, { resolve, reject, timer });
    });
  }

  answered(id: number, answer: MeshAnswer): void {
    this.#settle(id)?.resolve(answer);
  }

  refused(id: number, problem: string): void {
    this.#settle(id)?.reject(new MeshUnavailable('failed', problem));
  }

  /** The thread is gone. */
  lost(): void {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(new MeshUnavailable('closed'));
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}
