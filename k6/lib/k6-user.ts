import http, { type RefinedResponse, type ResponseType } from 'k6/http';
import { check } from 'k6';
import exec from 'k6/execution';
import { Counter, Rate } from 'k6/metrics';
import type { Route } from '../../packages/contracts/src/routes.ts';
import { seededRandom } from '../flows/random.ts';
import {
  type Answer,
  type Call,
  type FreshObject,
  type LogSigners,
  OtherAnswer,
  REFUSED,
  type User,
} from '../flows/user.ts';
import type { FreshObjects } from './fresh-pool.ts';
import { LEDGER_EVENTS, VuLedger } from './vu-ledger.ts';

const SERVER_ERROR = 500;
/** Longer than any deadline of the node: what takes longer hangs. */
const TIMEOUT = '30s';
/** One seed makes as many sequences as there are users, far from each other. */
const SEED_STEP = 0x9e3779b9;

/** Share of requests refused with 429 or 503: the objective of admission. */
const refused = new Rate('refused');
/** Share of requests answered with 5xx, or not at all: the objective of availability. */
const unavailable = new Rate('unavailable');
/** Requests that were neither answered rightly nor refused. */
const broken = new Counter('broken');
const messages = Object.fromEntries(LEDGER_EVENTS.map((event) => [event, new Counter(`messages_${event}`)]));

const binary: ResponseType & 'binary' = 'binary';

interface UserSettings {
  readonly baseUrl: string;
  readonly token: string | undefined;
  readonly objects: FreshObjects;
  readonly signers: LogSigners | undefined;
}

/** A virtual user of k6. Its requests are named by their route template and carry a correlation id, which must come back. */
export class K6User implements User {
  readonly number = exec.vu.idInTest;
  readonly run: string;
  readonly random: () => number;
  readonly ledger = new VuLedger((event) => messages[event]?.add(1));
  readonly #settings: UserSettings;
  #count = 0;
  #requests = 0;

  constructor(settings: UserSettings, run: string) {
    this.#settings = settings;
    this.run = run;
    this.random = seededRandom(1 + this.number * SEED_STEP);
  }

  next(): number {
    return (this.#count += 1);
  }

  get signers(): LogSigners | undefined {
    return this.#settings.signers;
  }

  freshObject(): FreshObject {
    return this.#settings.objects.take(this.run);
  }

  send(route: Route, { at = '', query, headers, body, expect }: Call): Answer {
    // What is prepared is not part of the load, and has a name of its own.
    const name = this.number === 0 ? 'prepare' : `${route.method} ${route.template}`;
    const { baseUrl, token } = this.#settings;
    const corrId = this.#corrId();
    const path = baseUrl + route.template.replace(/\{[a-z]+\}/, at);
    const url = query === undefined ? path : `${path}?${query}`;
    const response = http.request(route.method, url, typeof body === 'object' ? body.buffer : (body ?? null), {
      headers: {
        'X-Corr-ID': corrId,
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...headers,
      },
      tags: { name },
      timeout: TIMEOUT,
      responseType: binary,
      responseCallback: http.expectedStatuses(...expect),
    });
    const { status } = response;
    const isRefused = REFUSED.includes(status);
    refused.add(isRefused);
    unavailable.add(status === 0 || status >= SERVER_ERROR);
    if (status !== 0) this.check(name, { 'the correlation id comes back': headerOf(response, 'X-Corr-Id') === corrId });
    if (expect.includes(status)) return answerOf(response);
    if (isRefused) this.check(name, { 'a refusal says when to come again': headerOf(response, 'Retry-After') !== '' });
    else broken.add(1);
    throw new OtherAnswer(name, status);
  }

  check(what: string, claims: Readonly<Record<string, boolean>>): void {
    for (const [claim, holds] of Object.entries(claims)) {
      const name = `${what}: ${claim}`;
      if (!check(null, { [name]: () => holds }, { name: what })) console.error(`failed: ${name}`);
    }
  }

  /** Shaped as a UUID: the run, the user, and its request. */
  #corrId(): string {
    this.#requests += 1;
    const user = this.number.toString(16).padStart(4, '0');
    return `${this.run}-${user}-4000-8000-${this.#requests.toString(16).padStart(12, '0')}`;
  }
}

type Response = RefinedResponse<'binary'>;

/** k6 spells header names as Go does: every word with a capital. */
const canonical = (name: string): string => name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());

const headerOf = (response: Response, spelled: string): string => response.headers[spelled] ?? '';

const answerOf = (response: Response): Answer => ({
  status: response.status,
  get body() {
    return response.body === null ? new Uint8Array(0) : new Uint8Array(response.body);
  },
  header: (name) => headerOf(response, canonical(name)),
});
