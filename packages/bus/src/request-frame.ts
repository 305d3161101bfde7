import { BusPayloadTooLarge } from './errors.ts';
import type { BusSubject, CallContext } from './subject.ts';
import { frameFault } from './wire/codec.ts';
import { bareFrame, type Frame, KIND, readableTraceparent, readableTracestate } from './wire/frame.ts';
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
  const request = bareFrame(KIND.REQ, codec, 0, body);
  request.call = 0;
  request.replyTo = replyTo;
  request.route = target.name;
  request.ttlMs = 0;
  request.traceparent = readableTraceparent(context.traceparent);
  request.tracestate = readableTracestate(context.tracestate, context.traceparent);
  request.principal = context.principal;
  request.metadata = encodeMetadata(context.metadata);
  request.credit = stream.credit;
  request.corrId = context.corrId;
  request.accepts = stream.accepts;
  request.orderKey = context.orderKey;
  assertFits(target, request);
  return request;
}

/** Throws BusPayloadTooLarge when the frame breaks a limit of the format. */
export function assertFits(target: Pick<BusSubject<unknown, unknown>, 'name'>, request: Frame): void {
  const fault = frameFault(request);
  if (fault !== undefined) throw new BusPayloadTooLarge(`${target.name}: ${fault.message}`);
}
