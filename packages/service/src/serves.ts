import { MessagePattern } from '@nestjs/microservices';

/** What of a subject its handler's declaration needs. */
interface Served {
  readonly name: string;
  readonly idempotent: boolean;
}

/**
 * A message handler of a subject, with what the contract says of it: one that is not idempotent is started at most once
 * per request. `@Serves(SUBJECTS.index.namePut)`.
 */
export const Serves = ({ name, idempotent }: Served): MethodDecorator => MessagePattern(name, { idempotent });
