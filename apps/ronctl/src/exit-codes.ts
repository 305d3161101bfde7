/** What the shell sees. Scripts branch on these, so they never change meaning. */
export const EXIT = Object.freeze({
  ok: 0,
  /** The node answered an error that repeating will not cure, or a local file could not be used. */
  error: 1,
  usage: 2,
  notFound: 3,
  /** Nothing answered, or the answer was "not now": repeating later may work. */
  unavailable: 4,
  /** Bytes do not hash to the id they were asked for or stored under, or a log is not what it must be. */
  integrity: 5,
  interrupted: 130,
});

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP = `
Exit codes:
  0    done
  1    the node answered an error, or a local file could not be used
  2    the command line is wrong
  3    nothing under this id or name
  4    nothing answered, the answer took too long, or it was "not now" (429, 502, 503, 504)
  5    the bytes do not hash to their id, or the registry does not verify
  130  interrupted`;
