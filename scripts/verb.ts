/** Runs the body of a verb; a failure is printed as one message for people, and the exit code says it. */
export async function endWith(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
