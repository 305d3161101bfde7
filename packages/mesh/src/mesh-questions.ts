import { MeshUnavailable } from './mesh-errors.ts';
import type { MeshLimits } from './mesh-limits.ts';
import type { MeshAnswer, MeshQuestion, ToMeshThread } from './mesh-thread-protocol.ts';

interface Waiting {
  readonly resolve: (answer: MeshAnswer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Questions to the mesh thread, each with a deadline. */
export class MeshQuestions {
  readonly #post: (message: ToMeshThread) => boolean;
  readonly #limits: Pick<MeshLimits, 'questions' | 'questionMs'>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  /** `post` says whether there is a thread to ask. */
  constructor(post: (message: ToMeshThread) => boolean, limits: Pick<MeshLimits, 'questions' | 'questionMs'>) {
    this.#post = post;
    this.#limits = limits;
  }

  /** Rejects with {@link MeshUnavailable}. */
  ask(question: MeshQuestion): Promise<MeshAnswer> {
    if (this.#waiting.size >= this.#limits.questions) return Promise.reject(new MeshUnavailable('busy'));
    const id = (this.#lastId += 1);
    if (!this.#post({ kind: 'ask', id, question })) return Promise.reject(new MeshUnavailable('closed'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new MeshUnavailable('late'));
      }, this.#limits.questionMs);
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
