import { BusPayloadTooLarge } from './errors.ts';
import type { BusSubject, CallContext } from './subject.ts';
import { frameFault } from './wire/codec.ts';
import { type Frame, KIND, readableTraceparent, readableTracestate } from './wire/frame.ts';
import { encodeMetadata, encodePayload } from './wire/payload.ts';

/** The REQ frame of a call, checked against the limits of the format. */
export function requestFrame(
  target: Pick<BusSubject<unknown, unknown>, 'name'>,
  payload: unknown,
  context: CallContext,
  replyTo: string,
  stream: { readonly credit?: number; readonly accepts?: number },
): Frame {
  const { codec, body } = encodePayload(payload);
  // Every field in the order of `frame`, so that all frames have one shape, and no second object a call.
  const request: Frame = {
    kind: KIND.REQ,
    codec,
    seq: 0,
    body,
    call: 0,
    replyTo,
    route: target.name,
    ttlMs: 0,
    traceparent: readableTraceparent(context.traceparent),
    tracestate: readableTracestate(context.tracestate, context.traceparent),
    principal: context.principal,
    attempt: undefined,
    metadata: encodeMetadata(context.metadata),
    credit: stream.credit,
    corrId: context.corrId,
    from: undefined,
    accepts: stream.accepts,
    orderKey: context.orderKey,
  };
  assertFits(target, request);
  return request;
}

/** Throws BusPayloadTooLarge when the frame breaks a limit of the format. */
export function assertFits(target: Pick<BusSubject<unknown, unknown>, 'name'>, request: Frame): void {
  const fault = frameFault(request);
  if (fault !== undefined) throw new BusPayloadTooLarge(`${target.name}: ${fault.message}`);
}
