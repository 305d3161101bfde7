import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority of the test's own, with a certificate for the server on loopback and one for a client. */
export class TestAuthority {
  readonly dir: string;

  private constructor(dir: string) {
    this.dir = dir;
  }

  static async make(): Promise<TestAuthority> {
    const authority = new TestAuthority(await mkdtemp(join(tmpdir(), 'bus-tls-')));
    const [key, cert] = [authority.path('ca.key'), authority.path('ca.pem')];
    await run('openssl', ['req', '-x509', ...KEY, '-keyout', key, '-out', cert, '-subj', '/CN=test-authority']);
    await authority.#issue('server', 'subjectAltName=IP:127.0.0.1,DNS:redis.test');
    await authority.#issue('client', 'subjectAltName=DNS:client.test');
    return authority;
  }

  path(file: string): string {
    return join(this.dir, file);
  }

  read(file: string): Promise<string> {
    return readFile(this.path(file), 'utf8');
  }

  dispose(): Promise<void> {
    return rm(this.dir, { recursive: true, force: true });
  }

  async #issue(name: string, subject: string): Promise<void> {
    const signed = ['-CA', this.path('ca.pem'), '-CAkey', this.path('ca.key')];
    const out = ['-keyout', this.path(`${name}.key`), '-out', this.path(`${name}.pem`)];
    await run('openssl', ['req', '-x509', ...KEY, ...signed, ...out, '-subj', `/CN=${name}`, '-addext', subject]);
  }
}
