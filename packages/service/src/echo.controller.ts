import { Controller, type Type } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { BusPayload } from './bus-payload.ts';
import { Serves } from './serves.ts';

interface EchoSubject {
  readonly name: string;
  readonly idempotent: boolean;
  readonly request: { parse(value: unknown): Uint8Array };
}

/** The controller that answers a service's echo with the bytes it was sent: `controllers: [echoController(SUBJECTS.index.echo)]`. */
export function echoController(subject: EchoSubject): Type {
  @Controller()
  class EchoController {
    @Serves(subject)
    echo(@Payload(BusPayload(subject)) bytes: Uint8Array): Uint8Array {
      return bytes;
    }
  }
  return EchoController;
}
