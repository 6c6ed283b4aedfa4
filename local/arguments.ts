import { type ParseArgsConfig, parseArgs } from "node:util";

/**
 * The options and words that a person wrote behind a command, as `parseArgs` of Node.js reads them. Where it refuses them, the program ends
 * with code 2 and says two things: what was wrong (`Unknown option '--port'.`), and which options there are.
 * @param more a sentence to say after these, about settings that are no options
 */
export function readArguments<T extends ParseArgsConfig>(config: T, more?: string): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (cause) {
    const [wrong] = (cause as Error).message.split(". ");
    const known = Object.entries(config.options ?? {}).map(
      ([name, { type }]) => `--${name}${type === "boolean" ? "" : " <value>"}`,
    );
    const options = known.length === 0 ? "There are no options." : `Options are: ${known.join(", ")}.`;
    process.stderr.write(`${wrong}.\n${more === undefined ? options : `${options} ${more}`}\n`);
    process.exit(2);
  }
}
