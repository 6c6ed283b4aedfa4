/**
 * `npm run redrive`: what the platform gave up, and putting it back. See docs/runbooks/dead-letters.md.
 *
 *   npm run redrive                       how many messages lie in each dead-letter queue
 *   npm run redrive -- ingest-dead        puts back what lies in this one
 *   npm run redrive -- all                puts back what lies in any
 *
 * Without options it speaks to the platform that runs here. With this one to an AWS account, with the credentials of the shell:
 *   --queues "$(pulumi stack output deadLetterQueueUrls --json)"
 */
import { SQSClient } from "@aws-sdk/client-sqs";
import { readArguments } from "../local/arguments.ts";
import { defined } from "../runtime/domain/defined.ts";
import { localGateway } from "./gateway.ts";
import { type DeadQueue, deadQueues, meant, redrive } from "./redrives.ts";
import { Refusal, stoppedBy } from "./refusal.ts";

/** AWS moves within seconds to minutes; asking is billed by call. */
const PAUSE_MS = 1_000;

const { values, positionals } = readArguments({
  allowPositionals: true,
  options: { queues: { type: "string" }, region: { type: "string" } },
});

/** @throws Refusal where the text is no list of queues, such as that of a stack without this output */
function urlsIn(text: string): readonly string[] {
  try {
    const urls: unknown = JSON.parse(text);
    if (Array.isArray(urls) && urls.length > 0) return urls;
  } catch {
    // Said below.
  }
  throw new Refusal("--queues takes what this prints: pulumi stack output deadLetterQueueUrls --json");
}

function open(): { sqs: SQSClient; urls: readonly string[] } {
  if (values.queues === undefined) {
    const { client, outputs } = localGateway();
    return { sqs: new SQSClient(client), urls: outputs.deadLetterQueueUrls as readonly string[] };
  }
  const urls = urlsIn(values.queues);
  const region = values.region ?? /^https:\/\/sqs\.([^.]+)\./.exec(urls[0] ?? "")?.[1];
  return { sqs: new SQSClient(defined({ region })), urls };
}

async function main(): Promise<void> {
  const [which, ...more] = positionals;
  if (more.length > 0) throw new Refusal("One queue at a time, or all: npm run redrive -- [queue | all]");
  const { sqs, urls } = open();
  const queues = await deadQueues(sqs, urls);
  if (which === undefined) {
    for (const { name, messages } of queues) console.log(`${String(messages).padStart(8)}  ${name}`);
    return;
  }
  const chosen: readonly DeadQueue[] = meant(queues, which === "all" ? undefined : which);
  for (const queue of chosen) {
    const moved = queue.messages === 0 ? 0 : await redrive(sqs, queue, PAUSE_MS);
    console.log(`${String(moved).padStart(8)}  put back from ${queue.name}`);
  }
}

main().catch((cause: unknown) => {
  console.error(stoppedBy(cause));
  process.exitCode = 1;
});
