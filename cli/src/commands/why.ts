import { command } from "../run.ts";
import { storyOf } from "../story.ts";

export default command<object, [id: string]>(async ({ out, client }, id) => {
  const story = await storyOf(client(), id);
  out.answer(story, () => {
    const mark = (matched: boolean, text: string) => out.paint(text, matched ? 32 : 33);
    return [
      `${story.event_id}  ${story.event_type ?? "(no type)"}  ${out.paint(story.status, 1)}`,
      ...story.stages.map(({ at, text }) => `  ${at}  ${text}`),
      story.subscriptions.length === 0 ? "There was no subscription when it was routed." : "Subscriptions:",
      ...story.subscriptions.map(
        ({ subscription_id, workflow_id, matched, text }) =>
          `  ${mark(matched, matched ? "yes" : "no ")}  ${subscription_id}${workflow_id === null ? "" : ` (${workflow_id})`}: ${text}`,
      ),
      ...(story.advice === undefined ? [] : [story.advice]),
    ];
  });
});
