import { statSync } from 'node:fs';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { CommandsModule } from './command.ts';
import { type BatchItem, Engine } from './engine.ts';
import { StoreBusy, StoreFull } from './errors.ts';
import type { FromWriter, ToWriter, WriterData } from './writer-protocol.ts';

/** WAL size from which an idle writer checkpoints. */
const CHECKPOINT_IDLE_BYTES = 1024 * 1024;

/** WAL size from which a busy writer checkpoints between two batches; below the size the journal is cut back to. */
const CHECKPOINT_FORCED_BYTES = 16 * 1024 * 1024;

/** Quiet time after which the writer counts as idle. */
const IDLE_MS = 100;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

class Writer {
  readonly #engine: Engine;
  readonly #port: MessagePort;
  readonly #walFile: string;
  readonly #idle: NodeJS.Timeout;

  constructor(engine: Engine, port: MessagePort, file: string) {
    this.#engine = engine;
    this.#port = port;
    this.#walFile = `${file}-wal`;
    this.#idle = setTimeout(() => this.#checkpoint(CHECKPOINT_IDLE_BYTES), IDLE_MS);
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
    this.#checkpoint(CHECKPOINT_FORCED_BYTES);
    this.#idle.refresh();
  }

  #checkpoint(fromBytes: number): void {
    const wal = statSync(this.#walFile, { throwIfNoEntry: false });
    if (wal === undefined || wal.size < fromBytes) return;
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
