import { statSync } from 'node:fs';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { CheckpointPolicy } from './checkpoint-policy.ts';
import type { CommandsModule } from './command.ts';
import { type BatchItem, Engine } from './engine.ts';
import { StoreBusy, StoreFull } from './errors.ts';
import type { FromWriter, ToWriter, WriterData } from './writer-protocol.ts';

/** Quiet time after which the writer counts as idle. */
const IDLE_MS = 100;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

class Writer {
  readonly #engine: Engine;
  readonly #port: MessagePort;
  readonly #walFile: string;
  readonly #idle: NodeJS.Timeout;
  readonly #policy = new CheckpointPolicy();

  constructor(engine: Engine, port: MessagePort, file: string) {
    this.#engine = engine;
    this.#port = port;
    this.#walFile = `${file}-wal`;
    this.#idle = setTimeout(() => this.#checkpointIf((bytes) => this.#policy.whenIdle(bytes)), IDLE_MS);
  }

  receive(message: ToWriter): void {
    if (message.kind === 'batch') this.#run(message.items);
    else this.#close();
  }

  #run(items: readonly BatchItem[]): void {
    try {
      this.#send({ kind: 'reply', reply: this.#engine.run(items) });
    } catch (error) {
      if (error instanceof StoreBusy) this.#send({ kind: 'busy' });
      else if (error instanceof StoreFull) this.#send({ kind: 'full', message: error.message });
      else this.#send({ kind: 'fatal', message: messageOf(error) });
      return;
    }
    // After the answer, so that no caller waits for it; the next batch gathers meanwhile.
    this.#checkpointIf((bytes) => this.#policy.afterBatch(bytes));
    this.#idle.refresh();
  }

  #checkpointIf(isDue: (walBytes: number) => boolean): void {
    const walBytes = statSync(this.#walFile, { throwIfNoEntry: false })?.size ?? 0;
    if (!isDue(walBytes)) return;
    this.#policy.checkpointed(walBytes);
    try {
      this.#engine.checkpoint();
    } catch (error) {
      this.#send({ kind: 'fatal', message: messageOf(error) });
    }
  }

  #close(): void {
    clearTimeout(this.#idle);
    this.#engine.close();
    this.#port.close();
  }

  #send(message: FromWriter): void {
    this.#port.postMessage(message);
  }
}

async function start(port: MessagePort, { file, module }: WriterData): Promise<void> {
  try {
    const writer = new Writer(new Engine(file, (await import(module)) as CommandsModule), port, file);
    port.on('message', (message: ToWriter) => writer.receive(message));
    port.postMessage({ kind: 'ready' } satisfies FromWriter);
  } catch (error) {
    port.postMessage({ kind: 'fatal', message: messageOf(error) } satisfies FromWriter);
    port.close();
  }
}

if (parentPort !== null) await start(parentPort, workerData as WriterData);
