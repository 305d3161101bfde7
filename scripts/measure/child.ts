import { type ChildProcess, fork } from 'node:child_process';
import { basename } from 'node:path';

/** A process is given up when it says nothing for this long. */
const SILENCE_MS = 60_000;

/** A process that runs a script of ours and talks by messages that have a `type`. */
export class Child<Message extends { readonly type: string }> {
  readonly #title: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<string, (message: Message) => void>();
  #fail: ((error: Error) => void)[] = [];
  #ended: string | undefined;

  constructor(script: URL, args: readonly string[], execArgv: readonly string[] = []) {
    this.#title = `${basename(script.pathname)} ${args.join(' ')}`;
    // NestJS and libraries may print to stdout; the table is ours alone.
    this.#process = fork(script, args, { execArgv: [...execArgv], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#process.on('message', (message: Message) => {
      const resolve = this.#waiting.get(message.type);
      this.#waiting.delete(message.type);
      resolve?.(message);
    });
    this.#process.once('exit', (code, signal) => {
      this.#ended = `ended with ${signal ?? code ?? 'no code'}`;
      for (const fail of this.#fail) fail(this.#failure());
    });
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(`${this.#title} did not start`);
    return this.#process.pid;
  }

  send(message: object): void {
    this.#process.send(message);
  }

  /** The next message of this type. Rejects when the process ends, or is silent for too long, before it comes. */
  next<Type extends Message['type']>(
    type: Type,
    silenceMs = SILENCE_MS,
  ): Promise<Extract<Message, { readonly type: Type }>> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#failure());
      const timer = setTimeout(
        () => reject(new Error(`${this.#title}: no '${type}' after ${silenceMs} ms`)),
        silenceMs,
      );
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      this.#fail.push(fail);
      this.#waiting.set(type, (message) => {
        clearTimeout(timer);
        this.#fail = this.#fail.filter((each) => each !== fail);
        resolve(message as Extract<Message, { readonly type: Type }>);
      });
    });
  }

  async stop(): Promise<void> {
    if (this.#ended !== undefined) return;
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await gone;
  }

  #failure(): Error {
    return new Error(`${this.#title} ${this.#ended ?? 'failed'}`);
  }
}
