import { type ArgumentsHost, Catch, type RpcExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';

/**
 * Lets errors of message handlers through to the bus, which sends domain errors as they are and a neutral error for
 * every other. Without it NestJS's own filter makes them all "Internal server error". Use it globally, with
 * `inheritAppConfig` in a hybrid application.
 */
@Catch()
export class BusExceptionFilter implements RpcExceptionFilter {
  catch(error: unknown, _host: ArgumentsHost): Observable<never> {
    return throwError(() => error);
  }
}
