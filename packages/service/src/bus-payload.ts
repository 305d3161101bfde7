import { ServiceError } from '@macronode/contracts';
import type { PipeTransform } from '@nestjs/common';
import { ZodError } from 'zod';

/** Issues told to the caller: enough to repair a request, bounded whatever was sent. */
const MAX_ISSUES = 8;

interface Schema<T> {
  parse(value: unknown): T;
}

/** Parses an untrusted value; what does not fit is the error `schema`, with the paths that do not. */
export function parseAs<T>(schema: Schema<T>, value: unknown): T {
  try {
    return schema.parse(value);
  } catch (cause) {
    if (!(cause instanceof ZodError)) throw new ServiceError('schema', undefined, { cause });
    const issues = cause.issues.slice(0, MAX_ISSUES).map((issue) => ({
      path: issue.path.map(String).join('.').slice(0, 200),
      message: issue.message.slice(0, 200),
    }));
    const [first] = issues;
    const where = first === undefined || first.path === '' ? '' : `${first.path}: `;
    throw new ServiceError('schema', `The body does not fit: ${where}${first?.message ?? 'it is not valid'}`, {
      details: { issues },
      cause,
    });
  }
}

/** Validates the payload of a message handler against its subject: `@Payload(BusPayload(SUBJECTS.index.nameGet))`. */
export function BusPayload<T>(subject: { readonly request: Schema<T> }): PipeTransform<unknown, T> {
  return { transform: (value) => parseAs(subject.request, value) };
}
