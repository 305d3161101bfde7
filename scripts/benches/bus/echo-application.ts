import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, type MicroserviceOptions, Payload } from '@nestjs/microservices';

/** Pattern of the echo, in every NestJS contestant. */
export const ECHO = 'bench.echo';

class EchoController {
  echo(payload: unknown): unknown {
    return payload;
  }
}

// Decorators applied by hand: Node runs this file as it is, and strips types only.
Controller()(EchoController);
Payload()(EchoController.prototype, 'echo', 0);
MessagePattern(ECHO)(
  EchoController.prototype,
  'echo',
  Object.getOwnPropertyDescriptor(EchoController.prototype, 'echo') as PropertyDescriptor,
);

class EchoModule {}

/** The same NestJS application for every transport: one controller with one `@MessagePattern`. */
export async function serveEcho(options: MicroserviceOptions): Promise<void> {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    { module: EchoModule, controllers: [EchoController] },
    { ...options, logger: false },
  );
  await app.listen();
}
