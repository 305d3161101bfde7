import { spawnSync } from 'node:child_process';
import { findGoTool, K6, provideGoTool, versionOf } from '../go-tools.ts';

/** Where k6 could come from. */
export interface K6Sources {
  /** On PATH, or built earlier. */
  readonly program: string | undefined;
  /** The image of the pinned version, where Docker runs and has it already. */
  readonly image: string | undefined;
}

/** How to start k6: everything before `run`; undefined where it has to be built first. */
export type K6Choice = { readonly kind: 'program' | 'image'; readonly name: string } | undefined;

/** A program first, as it starts at once and sees every file; an image only where it was pulled: a download may take longer than the build. */
export function chooseK6({ program, image }: K6Sources): K6Choice {
  if (program !== undefined) return { kind: 'program', name: program };
  if (image !== undefined) return { kind: 'image', name: image };
  return undefined;
}

/**
 * The command up to the script. `env` are settings of k6 itself, `folders` what it reads and writes, the same path inside
 * an image as outside. Builds k6 with Go where it is nowhere; throws with what to install where that cannot be done.
 */
export async function k6Command(
  env: Readonly<Record<string, string>>,
  folders: readonly string[],
): Promise<readonly [string, ...string[]]> {
  const image = `grafana/k6:${versionOf(K6).slice(1)}`;
  const choice = chooseK6({ program: findGoTool(K6), image: isImageHere(image) ? image : undefined });
  if (choice?.kind !== 'image') return [choice?.name ?? (await provideGoTool(K6, `, or pull ${image}`)), 'run'];
  const mounts = folders.flatMap((folder) => ['-v', `${folder}:${folder}`]);
  const settings = Object.keys(env).flatMap((name) => ['-e', name]);
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  return ['docker', 'run', '--rm', '--init', '--network=host', '--user', user, ...mounts, ...settings, image, 'run'];
}

function isImageHere(image: string): boolean {
  return spawnSync('docker', ['image', 'inspect', image], { stdio: 'ignore' }).status === 0;
}
