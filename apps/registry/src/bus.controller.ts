import { BusContext, StreamReply } from '@macronode/bus';
import { LIMITS, type RegistryAnswer, type RegistryCall, SUBJECTS } from '@macronode/contracts';
import { BusPayload, Serves } from '@macronode/service';
import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { LogDesk } from './log.desk.ts';

const { registry } = SUBJECTS;
const CHUNK_BYTES = LIMITS.chunk_bytes.value;

/** The routes as the gateway asks for them. */
@Controller()
export class RegistryBusController {
  constructor(private readonly desk: LogDesk) {}

  @Serves(registry.read)
  async read(
    @Payload(BusPayload(registry.read)) call: RegistryCall,
    @Ctx() context: BusContext,
  ): Promise<RegistryAnswer | StreamReply> {
    const leave = this.desk.enter(call.route);
    let streamed = false;
    try {
      const { body, ...head } = await this.desk.answer(call, context);
      const source = body ?? (head.bytes === undefined ? undefined : longer(head.bytes));
      if (source === undefined) return head;
      streamed = true;
      const { bytes: _bytes, ...rest } = head;
      return new StreamReply(rest, leaving(source, leave));
    } finally {
      if (!streamed) leave();
    }
  }

  @Serves(registry.write)
  async write(
    @Payload(BusPayload(registry.write)) call: RegistryCall,
    @Ctx() context: BusContext,
  ): Promise<RegistryAnswer> {
    const leave = this.desk.enter(call.route);
    try {
      const { body: _body, ...head } = await this.desk.answer(call, context);
      return head;
    } finally {
      leave();
    }
  }
}

/** An answer that is longer than a chunk, in chunks: a bundle of entries can be longer than a frame. */
function longer(bytes: Uint8Array): AsyncIterable<Uint8Array> | undefined {
  return bytes.length <= CHUNK_BYTES ? undefined : chunksOf(bytes);
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** Gives a place back when a body was sent to its end, failed, or was left; also when nobody began to read it. */
function leaving(body: AsyncIterable<Uint8Array>, leave: () => void): AsyncIterable<Uint8Array> {
  const source = body[Symbol.asyncIterator]();
  const iterator: AsyncIterator<Uint8Array> = {
    async next() {
      try {
        const result = await source.next();
        if (result.done === true) leave();
        return result;
      } catch (error) {
        leave();
        throw error;
      }
    },
    async return() {
      leave();
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
