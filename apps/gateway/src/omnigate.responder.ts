import { Bus, BusCanceled, type BusContext, type Link } from '@macronode/bus';
import { ContentHasher } from '@macronode/content';
import {
  type NameReply,
  type ObjectOpenReply,
  ObjectOpenRequest,
  type ObjectReadReply,
  ObjectReadRequest,
  type ObjectWriteReply,
  ObjectWriteRequest,
  type ReadConditions,
  ServiceError,
  SUBJECTS,
} from '@macronode/contracts';
import { MetricsRegistry } from '@macronode/metrics';

const CHUNK = 65_536;

/** For this module's test: the other end of the gateway's subjects, on a real bus, keeping objects in a Map. */
export class OmnigateResponder implements AsyncDisposable {
  readonly objects = new Map<string, Buffer>();
  readonly names = new Map<string, NameReply>();
  /** Uploads that ended without all their bytes. */
  brokenUploads = 0;
  /** Reads whose stream was ended by the gateway. */
  cancelledReads = 0;
  /** Requests that `hold` has kept. */
  waiting = 0;
  /** What the mailbox answers; replaced by tests. */
  mailbox: (payload: unknown, context: BusContext) => unknown = () => ({ messages: [] });
  /** `if_match` of the last name written. */
  lastIfMatch: string | undefined;
  /** What comes back of an echo; replaced by tests. */
  echo: (bytes: Uint8Array) => unknown = (bytes) => bytes;
  /** Whether storage takes every byte of an upload and then says nothing, as one that was killed. */
  silentCommits = false;
  /** Bytes a read sends before it fails; undefined: it does not. */
  failReadAfter: number | undefined;
  /** Whether a read sends a byte more than it promised. */
  sendsTooMuch = false;
  /** What a read waits for between its last byte and its end: for ever, if its storage was killed there. */
  beforeReadEnds: Promise<void> | undefined;
  readonly #omnigate: Bus;
  readonly #storage: Bus;
  readonly #uploads = new Map<string, ObjectOpenRequest>();

  constructor(link: Link) {
    const scope = (service: string) => new MetricsRegistry().scope({ service });
    this.#omnigate = new Bus({ service: 'omnigate', link, metrics: scope('omnigate') });
    this.#storage = new Bus({ service: 'storage', link, metrics: scope('storage') });
    const { omnigate, storage } = SUBJECTS;
    this.#omnigate.serve(omnigate.echo.name, (payload) => this.echo(omnigate.echo.request.parse(payload)));
    this.#omnigate.serve(omnigate.objectOpen.name, (payload) => this.#open(ObjectOpenRequest.parse(payload)));
    this.#omnigate.serve(omnigate.objectRead.name, (payload, context) => {
      const { id, conditions } = ObjectReadRequest.parse(payload);
      return this.#read(id, conditions, context);
    });
    this.#omnigate.serve(omnigate.nameRead.name, (payload, context) => {
      const { name, conditions } = omnigate.nameRead.request.parse(payload);
      return this.#read(this.#named(name).record.record.target, conditions, context);
    });
    this.#omnigate.serve(omnigate.nameGet.name, (payload) => this.#named(omnigate.nameGet.request.parse(payload).name));
    this.#omnigate.serve(omnigate.namePut.name, (payload) => {
      const { name, must_be_new, if_match } = omnigate.namePut.request.parse(payload);
      this.lastIfMatch = if_match;
      if (must_be_new && this.names.has(name)) throw new ServiceError('precondition_failed');
      return { ...this.#named(name), created: must_be_new };
    });
    for (const subject of [omnigate.mailboxSend, omnigate.mailboxRecv, omnigate.mailboxAck]) {
      this.#omnigate.serve(subject.name, (payload, context) => this.mailbox(payload, context));
    }
    this.#storage.serve(storage.objectWrite.name, (payload, context) => this.#write(payload, context));
  }

  async start(): Promise<void> {
    await this.#storage.start();
    await this.#omnigate.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#omnigate.close();
    await this.#storage.close();
  }

  /** Keeps a request until its deadline: a caller that leaves before the answer is not told to the other side. */
  hold(context: BusContext): Promise<never> {
    this.waiting += 1;
    return new Promise((_resolve, reject) => {
      context.signal.addEventListener('abort', () => reject(new ServiceError('deadline')));
    });
  }

  #named(name: string): NameReply {
    const found = this.names.get(name);
    if (found === undefined) throw new ServiceError('not_found');
    return found;
  }

  #open(request: ObjectOpenRequest): ObjectOpenReply {
    const present = request.id === undefined ? undefined : this.objects.get(request.id);
    if (present !== undefined && request.id !== undefined) {
      if (request.must_be_new) throw new ServiceError('precondition_failed');
      return { outcome: 'present', id: request.id, size: present.length };
    }
    const upload = crypto.randomUUID();
    this.#uploads.set(upload, request);
    return { outcome: 'ticket', ticket: { inbox: this.#storage.instance, upload, credit: CHUNK } };
  }

  async #write(payload: unknown, context: BusContext): Promise<ObjectWriteReply> {
    const { id: named, must_be_new } = this.#uploads.get(ObjectWriteRequest.parse(payload).upload) ?? {};
    const chunks: Uint8Array[] = [];
    const hasher = new ContentHasher();
    try {
      for await (const chunk of context.body) {
        chunks.push(Uint8Array.from(chunk));
        hasher.update(chunk);
      }
    } catch (error) {
      this.brokenUploads += 1;
      throw error;
    }
    if (this.silentCommits) return this.hold(context);
    const id = hasher.digest();
    if (named !== undefined && named !== id) throw new ServiceError('digest_mismatch');
    const created = !this.objects.has(id);
    if (!created && must_be_new === true) throw new ServiceError('precondition_failed');
    const bytes = Buffer.concat(chunks);
    this.objects.set(id, bytes);
    return { id, size: bytes.length, created };
  }

  #read(id: string, conditions: ReadConditions, context: BusContext): unknown {
    const bytes = this.objects.get(id);
    if (bytes === undefined) throw new ServiceError('not_found');
    const head = this.#judge(id, bytes.length, conditions);
    context.signal.addEventListener('abort', () => {
      if (context.signal.reason instanceof BusCanceled) this.cancelledReads += 1;
    });
    const sends = conditions.method === 'GET' && (head.outcome === 'full' || head.outcome === 'partial');
    if (!sends || head.start === head.end) return head;
    const body = bytes.subarray(head.start, head.end);
    if (body.length > CHUNK) return context.stream(head, this.#chunks(body));
    if (this.failReadAfter === 0) throw new ServiceError('integrity');
    return { ...head, bytes: this.sendsTooMuch ? Buffer.concat([body, Buffer.alloc(1)]) : body };
  }

  async *#chunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      if (at >= (this.failReadAfter ?? Infinity)) throw new ServiceError('integrity');
      yield bytes.subarray(at, at + CHUNK);
    }
    if (this.sendsTooMuch) yield Buffer.alloc(1);
    await this.beforeReadEnds;
  }

  /** Enough of RFC 9110 for the gateway's side of it; the whole of it is storage's. */
  #judge(id: string, size: number, conditions: ReadConditions): ObjectReadReply {
    const whole = { id, size, start: 0, end: size };
    const tag = `"${id}"`;
    if (conditions.if_match !== undefined && conditions.if_match !== tag) {
      return { ...whole, outcome: 'precondition_failed' };
    }
    if (conditions.if_none_match === tag) return { ...whole, outcome: 'not_modified' };
    const range = /^bytes=(\d+)-(\d*)$/.exec(conditions.range ?? '');
    if (range === null) return { ...whole, outcome: 'full' };
    const start = Number(range[1]);
    if (start >= size) return { ...whole, outcome: 'unsatisfiable' };
    const end = range[2] === '' ? size : Math.min(size, Number(range[2]) + 1);
    return { id, size, outcome: 'partial', start, end };
  }
}
