import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from "aws-lambda";
import { buildApp } from "./app.ts";
import { buildDeps } from "./buildDeps.ts";
import { answerOf, requestOf } from "./functionUrl.ts";

const app = buildApp(buildDeps());

/** The management API behind its Function URL. Every failure is already an answer of the app. */
export async function handler(event: LambdaFunctionURLEvent): Promise<LambdaFunctionURLResult> {
  return answerOf(await app.fetch(requestOf(event)));
}
