// The inspector protocol over the socket Node opens: what a debugger would ask, without code in the process asked.

/** Longer than a stop of the profiler takes to write down a minute of samples. */
const ANSWER_TIMEOUT_MS = 60_000;

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Commands and events of one isolate. Commands carry numbers, answers come in any order. */
export class InspectorSession {
  readonly #transmit: (text: string) => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<string, (params: unknown) => void>();
  #next = 0;

  constructor(transmit: (text: string) => void) {
    this.#transmit = transmit;
  }

  /** One command. Rejects with what the process says, and when it does not answer. */
  async send<R = unknown>(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<R> {
    const id = (this.#next += 1);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    const timer = setTimeout(() => reject(new Error(`${method}: no answer`)), ANSWER_TIMEOUT_MS);
    try {
      this.#transmit(JSON.stringify({ id, method, params }));
      return (await promise) as R;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** One listener for each event. */
  on<P>(method: string, listener: (params: P) => void): void {
    this.#listeners.set(method, listener as (params: unknown) => void);
  }

  receive(text: string): void {
    const { id, method, params, result, error } = JSON.parse(text) as Message;
    if (id === undefined) return this.#listeners.get(method ?? '')?.(params);
    const waiting = this.#waiting.get(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error.message));
  }

  /** Nothing will be answered any more. */
  fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}

/** A worker thread of the process: an isolate of its own, reached through the main one. */
export interface InspectedWorker {
  readonly name: string;
  readonly session: InspectorSession;
}

interface Attached {
  readonly sessionId: string;
  readonly workerInfo: { readonly title: string; readonly url: string };
}

/** A process whose inspector listens, and the worker threads it has. */
export class InspectedProcess implements Disposable {
  readonly main: InspectorSession;
  readonly #socket: WebSocket;
  readonly #workers = new Map<string, InspectedWorker>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.main = new InspectorSession((text) => socket.send(text));
    socket.addEventListener('message', ({ data }) => this.main.receive(String(data)));
    socket.addEventListener('close', () => this.main.fail(new Error('the process closed its inspector')));
    this.main.on<Attached>('NodeWorker.attachedToWorker', (attached) => this.#attach(attached));
    this.main.on<{ sessionId: string; message: string }>('NodeWorker.receivedMessageFromWorker', (received) =>
      this.#workers.get(received.sessionId)?.session.receive(received.message),
    );
    this.main.on<{ sessionId: string }>('NodeWorker.detachedFromWorker', ({ sessionId }) => {
      this.#workers.get(sessionId)?.session.fail(new Error('the worker ended'));
      this.#workers.delete(sessionId);
    });
  }

  /** `url` is the one Node prints: `ws://127.0.0.1:port/id`. */
  static async connect(url: string): Promise<InspectedProcess> {
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve(), { once: true });
      socket.addEventListener('error', () => reject(new Error(`nothing answers at ${url}`)), { once: true });
    });
    const inspected = new InspectedProcess(socket);
    // Events of workers that are there come before the answer.
    await inspected.main.send('NodeWorker.enable', { waitForDebuggerOnStart: false });
    return inspected;
  }

  get workers(): readonly InspectedWorker[] {
    return [...this.#workers.values()];
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #attach({ sessionId, workerInfo }: Attached): void {
    const session = new InspectorSession((message) => {
      this.main.send('NodeWorker.sendMessageToWorker', { sessionId, message }).catch((error: unknown) => {
        session.fail(error instanceof Error ? error : new Error(String(error)));
      });
    });
    this.#workers.set(sessionId, { name: workerInfo.url, session });
  }
}
