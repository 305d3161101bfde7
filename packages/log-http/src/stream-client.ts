import type { ServerResponse } from 'node:http';
import { FAREWELL } from './event-text.ts';

/** What one client may make wait. */
export interface ClientBounds {
  /** Events. */
  readonly queue: number;
  /** Bytes of these and of what its socket has not sent yet. */
  readonly queueBytes: number;
  /** A client that takes nothing for so long is cut, in ms. */
  readonly stallMs: number;
}

/** What is told of a client. */
export interface ClientReports {
  /** It lost its queue. */
  lagged(): void;
  /** It was cut. */
  stalled(): void;
  /** What it is told instead of what it lost, and the version that is. */
  resume(): StreamEvent;
}

/** Bytes of an event, and the version a client has when it has read them. */
export interface StreamEvent {
  readonly version: number;
  readonly text: Buffer;
}

/**
 * One client of the stream: begins (backfill), takes what came meanwhile (cutover), then goes on live. A version is sent
 * once. What its socket does not take waits in a bounded queue; over the bound the queue is dropped, and once the socket
 * takes bytes again the client is told how far it is behind.
 */
export class StreamClient {
  readonly #raw: ServerResponse;
  readonly #bounds: ClientBounds;
  readonly #reports: ClientReports;
  #queue: StreamEvent[] = [];
  #queuedBytes = 0;
  /** Newest version written. */
  #version = 0;
  #begun = false;
  #lagging = false;
  #gone = false;
  /** Set while the socket takes nothing more; its end cuts the client. */
  #stall: NodeJS.Timeout | undefined;

  constructor(raw: ServerResponse, bounds: ClientBounds, reports: ClientReports) {
    this.#raw = raw;
    this.#bounds = bounds;
    this.#reports = reports;
    raw.on('drain', () => this.#onDrain());
    raw.once('close', () => this.#closed());
    // A client that resets its connection closes it too.
    raw.on('error', () => undefined);
  }

  /** Sends `first`, after which the client has `version`, then what was offered meanwhile. */
  begin({ version, text }: StreamEvent): void {
    this.#begun = true;
    this.#version = version;
    this.#write(text);
    if (!this.#blocked) this.#flush();
  }

  /** Sends an event, or keeps it for later. One the client has is skipped. */
  offer(event: StreamEvent): void {
    if (this.#begun && event.version <= this.#version) return;
    if (this.#begun && !this.#blocked) {
      this.#version = event.version;
      this.#write(event.text);
      return;
    }
    if (this.#lagging) return;
    const bytes = this.#queuedBytes + event.text.length + this.#raw.writableLength;
    if (this.#queue.length < this.#bounds.queue && bytes <= this.#bounds.queueBytes) {
      this.#queue.push(event);
      this.#queuedBytes += event.text.length;
      return;
    }
    this.#lagging = true;
    this.#dropQueue();
    this.#reports.lagged();
  }

  /** A comment in between; a client that has bytes waiting needs none. */
  heartbeat(text: Buffer): void {
    if (this.#begun && !this.#blocked) this.#write(text);
  }

  /** Ends the stream, so that the client connects again: elsewhere, when this node goes. */
  end(): void {
    if (this.#raw.writableEnded) return;
    this.#dropQueue();
    this.#raw.end(FAREWELL);
  }

  get #blocked(): boolean {
    return this.#stall !== undefined;
  }

  #write(text: Buffer): void {
    if (this.#gone || this.#raw.writableEnded || this.#raw.write(text)) return;
    this.#stall ??= setTimeout(() => this.#cut(), this.#bounds.stallMs).unref();
  }

  #onDrain(): void {
    clearTimeout(this.#stall);
    this.#stall = undefined;
    this.#flush();
  }

  /** Sends what waits until the socket takes no more. */
  #flush(): void {
    if (this.#lagging) {
      this.#lagging = false;
      const { version, text } = this.#reports.resume();
      this.#version = version;
      this.#write(text);
    }
    let sent = 0;
    for (; sent < this.#queue.length && !this.#blocked; sent += 1) {
      const { version, text } = this.#queue[sent] as StreamEvent;
      this.#queuedBytes -= text.length;
      if (version <= this.#version) continue;
      this.#version = version;
      this.#write(text);
    }
    this.#queue.splice(0, sent);
  }

  #dropQueue(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #cut(): void {
    this.#reports.stalled();
    this.#raw.destroy();
  }

  #closed(): void {
    this.#gone = true;
    clearTimeout(this.#stall);
    this.#dropQueue();
  }
}
