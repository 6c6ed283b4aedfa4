/** About 250 are open when idle; each connection and each post to a webhook is another. */
const FILES_NEEDED = 1_024;

/** Says at the start when so few files may be open that load would fail. Node.js has raised the soft limit to the hard one already. */
export function warnOfFewFiles(log: (line: string) => void): void {
  if (process.report === undefined) return;
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft: number | string } } };
  const soft = Number(userLimits?.open_files?.soft);
  if (soft < FILES_NEEDED)
    log(
      `only ${soft} files may be open at once, and under load the platform needs ${FILES_NEEDED} or more: raise the limit ("ulimit -n")`,
    );
}
