import 'reflect-metadata';
import { MetricsRegistry } from '@macronode/metrics';
import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Injectable,
  type INestMicroservice,
  type NestInterceptor,
  ParseIntPipe,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import {
  finalize,
  firstValueFrom,
  from,
  interval,
  lastValueFrom,
  map,
  type Observable,
  of,
  range,
  toArray,
} from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bus } from '../bus.ts';
import { BusClient } from './bus-client.ts';
import { BusContext, type StreamReply } from '../bus-context.ts';
import { BusExceptionFilter } from './bus-exception-filter.ts';
import { BusServer } from './bus-server.ts';
import { context, eventually, rejection, subject, topic } from '../conformance/conformance-world.ts';
import { BusClosed } from '../errors.ts';
import { InProcessLink } from '../in-process/in-process-link.ts';

const seen: string[] = [];
let unsubscribed = 0;
let hintHandled: ((value: unknown) => void) | undefined;

@Injectable()
class OnlyAlice implements CanActivate {
  canActivate(host: ExecutionContext): boolean {
    return host.switchToRpc().getContext<BusContext>().principal === 'alice';
  }
}

@Injectable()
class Doubling implements NestInterceptor {
  intercept(_host: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value: unknown) => (typeof value === 'number' ? value * 2 : value)));
  }
}

@Controller()
class MathController {
  @MessagePattern('math.add')
  add(@Payload() numbers: number[]): number {
    return numbers.reduce((sum, each) => sum + each, 0);
  }

  @MessagePattern('math.guarded')
  @UseGuards(OnlyAlice)
  guarded(): string {
    return 'let in';
  }

  @MessagePattern('math.piped')
  @UseInterceptors(Doubling)
  piped(@Payload(ParseIntPipe) value: number): number {
    return value;
  }

  @MessagePattern('math.range')
  range(@Payload() count: number): Observable<number> {
    return range(0, count);
  }

  @MessagePattern('math.ticks')
  ticks(): Observable<number> {
    return interval(1).pipe(finalize(() => (unsubscribed += 1)));
  }

  @MessagePattern('math.broken')
  broken(): Observable<number> {
    return from([1, 2, 3]).pipe(
      map((value) => {
        if (value === 3) throw new RpcException({ status: 'error', message: 'three', code: 3 });
        return value;
      }),
    );
  }

  @MessagePattern('math.rpc')
  rpc(): never {
    throw new RpcException('a word for the caller');
  }

  @MessagePattern('math.secret')
  secret(): Promise<never> {
    return Promise.reject(new Error('secret password'));
  }

  @MessagePattern('math.domain')
  @UseFilters(BusExceptionFilter)
  domain(): never {
    throw Object.assign(new Error('nothing there'), { code: 'not_found', retryable: false });
  }

  @MessagePattern('math.hidden')
  @UseFilters(BusExceptionFilter)
  hidden(): never {
    throw new Error('secret password');
  }

  @MessagePattern('math.nothing')
  nothing(): void {}

  @MessagePattern('math.metadata')
  metadata(@Ctx() ctx: BusContext): unknown {
    return {
      ...ctx.metadata,
      traceparent: ctx.traceparent,
      tracestate: ctx.tracestate,
      isContext: ctx instanceof BusContext,
    };
  }

  @MessagePattern('math.bytes')
  @UseInterceptors(Doubling)
  bytes(@Ctx() ctx: BusContext): StreamReply {
    return ctx.stream({ size: 6 }, chunks());
  }

  @MessagePattern('math.never')
  never(): Promise<never> {
    return new Promise(() => undefined);
  }

  @MessagePattern('other.add')
  foreign(): string {
    return 'not ours';
  }

  @EventPattern('math.solved')
  solved(@Payload() event: unknown): void {
    seen.push(`work ${String(event)}`);
  }

  @EventPattern('registry.head', { hint: true, service: 'math' })
  head(@Payload() event: unknown): Observable<unknown> {
    hintHandled?.(event);
    return of(event);
  }
}

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('abc');
  yield Buffer.from('def');
}

class MathModule {}

describe('the bus in NestJS', () => {
  const registry = new MetricsRegistry();
  let link: InProcessLink;
  let serverBus: Bus;
  let clientBus: Bus;
  let client: BusClient;
  let app: INestMicroservice;

  beforeEach(async () => {
    seen.length = 0;
    unsubscribed = 0;
    link = new InProcessLink();
    await link.start();
    serverBus = new Bus({ service: 'math', link, metrics: registry.scope({ service: 'math' }) });
    clientBus = new Bus({ service: 'user', link, metrics: registry.scope({ service: 'user' }) });
    app = await NestFactory.createMicroservice(
      { module: MathModule, controllers: [MathController], providers: [OnlyAlice, Doubling] },
      { strategy: new BusServer({ bus: serverBus, drainTimeoutMs: 200 }), logger: false },
    );
    await app.listen();
    client = new BusClient({ bus: clientBus });
    await client.connect();
  });

  afterEach(async () => {
    await app.close();
    await clientBus.close();
    await link.close();
  });

  const ask = <T>(pattern: string, data: unknown = {}): Promise<T> => firstValueFrom(client.send<T>(pattern, data));

  it('answers @MessagePattern handlers, to the NestJS client and to the bus', async () => {
    expect(await ask('math.add', [1, 2, 3])).toBe(6);
    expect(await clientBus.call(subject('math.add'), [4, 5], context())).toBe(9);
    expect(client.unwrap<Bus>()).toBe(clientBus);
  });

  it('runs guards, pipes and interceptors', async () => {
    const asAlice = new BusClient({ bus: clientBus, context: () => ({ corrId: 'c', principal: 'alice' }) });
    expect(await firstValueFrom(asAlice.send('math.guarded', {}))).toBe('let in');
    expect(await rejection(ask('math.guarded'))).toMatchObject({ status: 'error' });
    expect(await ask('math.piped', '21')).toBe(42);
    expect(await clientBus.call(subject('math.piped'), '4', context())).toBe(8);
  });

  it('streams an Observable of 0, 1 and 1,000 values, in order', async () => {
    for (const count of [0, 1, 1_000]) {
      const values = await lastValueFrom(client.send<number>('math.range', count).pipe(toArray()));
      expect(values).toEqual(Array.from({ length: count }, (_, n) => n));
    }
    expect(await clientBus.call(subject('math.range'), 5, context())).toBe(4);
  });

  it('passes an error of an Observable on, behind its values', async () => {
    const values: number[] = [];
    const error = await new Promise((resolve) => {
      client.send<number>('math.broken', {}).subscribe({ next: (value) => values.push(value), error: resolve });
    });
    expect(values).toEqual([1, 2]);
    expect(error).toEqual({ status: 'error', message: 'three', code: 3 });
  });

  it('stops the Observable when the caller unsubscribes', async () => {
    await new Promise<void>((resolve) => {
      const subscription = client.send<number>('math.ticks', {}).subscribe((value) => {
        if (value === 3) {
          subscription.unsubscribe();
          resolve();
        }
      });
    });
    await eventually(() => unsubscribed === 1, 'the handler is unsubscribed');
  });

  it('keeps the content of an RpcException and hides every other error', async () => {
    expect(await rejection(ask('math.rpc'))).toEqual({ status: 'error', message: 'a word for the caller' });
    expect(await rejection(ask('math.secret'))).toEqual({ status: 'error', message: 'Internal server error' });
    const hidden = await rejection(clientBus.call(subject('math.secret'), {}, context()));
    expect(hidden).toMatchObject({ code: 'internal', retryable: false });
    expect(JSON.stringify(hidden)).not.toContain('secret');
  });

  it('lets domain errors through its exception filter, and no other', async () => {
    const domain = { name: 'RemoteError', code: 'not_found', message: 'nothing there', retryable: false };
    expect(await rejection(ask('math.domain'))).toMatchObject(domain);
    expect(await rejection(clientBus.call(subject('math.domain'), {}, context()))).toMatchObject(domain);
    const hidden = await rejection(clientBus.call(subject('math.hidden'), {}, context()));
    expect(hidden).toMatchObject({ code: 'internal', message: 'the handler failed' });
  });

  it('completes without a value when the handler has none', async () => {
    expect(await lastValueFrom(client.send('math.nothing', {}).pipe(toArray()))).toEqual([]);
  });

  it('carries what a dispatch hook attaches', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    client.setOnDispatchHook((packet) => {
      packet.metadata = { tenant: 'x', traceparent, tracestate: 'vendor=1' };
    });
    expect(await ask('math.metadata')).toEqual({
      tenant: 'x',
      traceparent,
      tracestate: 'vendor=1',
      isContext: true,
    });
  });

  it('streams bytes from a controller through interceptors', async () => {
    const { head, body } = await clientBus.read(subject('math.bytes'), {}, context());
    expect(head).toEqual({ size: 6 });
    const parts: Uint8Array[] = [];
    for await (const chunk of body) parts.push(chunk);
    expect(Buffer.concat(parts).toString()).toBe('abcdef');
  });

  it('takes only the handlers of its service', async () => {
    expect(await rejection(ask('other.add'))).toMatchObject({ code: 'no_responders' });
  });

  it('handles work and hints by @EventPattern', async () => {
    const hinted = new Promise((resolve) => {
      hintHandled = resolve;
    });
    await lastValueFrom(client.emit('math.solved', 42), { defaultValue: undefined });
    await eventually(() => seen.length === 1, 'the work is handled');
    expect(seen).toEqual(['work 42']);
    await lastValueFrom(client.emit({ hint: 'registry.head' }, 7), { defaultValue: undefined });
    expect(await hinted).toBe(7);
    await clientBus.publishWork(topic('math.solved'), 43, context());
    await eventually(() => seen.length === 2, 'the work is handled');
  });

  it('sends only when subscribed, and once per subscription', async () => {
    const cold = client.send('math.add', [1]);
    const counted = async (): Promise<number> =>
      Number(/bus_handler_seconds_count\{service="math",subject="math.add"\} (\d+)/.exec(await registry.render())?.[1]);
    const before = (await counted()) || 0;
    await firstValueFrom(cold);
    await firstValueFrom(cold);
    expect((await counted()) - before).toBe(2);
  });

  it('ends the pending calls of a client that closes, and no other', async () => {
    const pending = rejection(ask('math.never'));
    const running = async (): Promise<boolean> =>
      /bus_running_handlers\{service="math"\} 1/.test(await registry.render());
    await eventually(running, 'the handler runs');
    client.close();
    expect(await pending).toBeInstanceOf(BusClosed);
    expect(await clientBus.call(subject('math.add'), [1], context())).toBe(1);
  });

  it('reports its status', async () => {
    expect(await firstValueFrom(client.status)).toBe('ready');
    const closed = new Promise((resolve) => client.on('status', (status) => status === 'closed' && resolve(status)));
    await clientBus.close();
    expect(await closed).toBe('closed');
  });
});
