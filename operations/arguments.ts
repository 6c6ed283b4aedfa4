import { type ParseArgsConfig, parseArgs } from "node:util";

/**
 * The options and words that a person wrote behind a command, as `parseArgs` of Node.js reads them. What it can't read ends the program with code
 * 2, and a sentence that says what was wrong before one that names the options there are: `Unknown option '--port'.`
 * @param more what else sets something of this program
 */
export function readArguments<T extends ParseArgsConfig>(config: T, more = ""): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (cause) {
    const [wrong] = (cause as Error).message.split(". ");
    const known = Object.entries(config.options ?? {}).map(
      ([name, { type }]) => `--${name}${type === "boolean" ? "" : " <value>"}`,
    );
    process.stderr.write(
      `${wrong}.\n${known.length === 0 ? "There are no options." : `Options are: ${known.join(", ")}.`}${more}\n`,
    );
    process.exit(2);
  }
}
