import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { test } from "uvu";
import { type Configuration, evaluate } from "../../policies/evaluate.ts";
import { exampleConfig, type examples, graphOf, resourcesOf } from "../../program/graph.ts";
import { awsRelations } from "./awsRelations.ts";
import { accepted, awsRules, valuesAt } from "./awsRules.ts";

/**
 * What holds of the stacks as they are shipped has to hold of the stacks that people make of them: an address for alarms, another
 * organization, other retentions, sizes and zones.
 */
const shipped = JSON.parse(
  readFileSync(new URL("../../policies/configuration.json", import.meta.url), "utf8"),
) as Configuration;
const today = new Date("2026-11-25T12:00:00Z");

const word = fc.stringMatching(/^[a-z][a-z0-9-]{1,12}[a-z0-9]$/);
const days = fc.constantFrom(7, 14, 30, 90, 365, 3653);

/** Settings that mean the same in every role. */
const anywhere = fc.record(
  {
    alarmEmail: fc.tuple(word, word).map(([user, host]) => `${user}@${host}.example.com`),
    logRetentionDays: days,
    mailFrom: fc.constantFrom("alerts@example.com", "alerts@mail.example.org"),
    smsFrom: fc.constantFrom(
      "arn:aws:sms-voice:us-east-1:123456789012:phone-number/phone-1",
      "arn:aws:sms-voice:eu-west-1:123456789012:sender-id/TRIGGERS/GB",
    ),
    monthlyBudgetUsd: fc.integer({ min: 1, max: 100_000 }),
  },
  { requiredKeys: [] },
);
/** Settings of a stack with functions. */
const inRegion = fc.record(
  {
    archiveBufferSeconds: fc.integer({ min: 60, max: 900 }),
    backupDays: fc.integer({ min: 7, max: 35 }),
    cacheNodeType: fc.constantFrom("cache.t4g.small", "cache.m7g.large"),
    databaseInstanceClass: fc.constantFrom("db.t4g.medium", "db.r7g.2xlarge"),
    databaseStorageGb: fc.constantFrom(20, 500, 59_578),
    otlpEndpoint: word.map((host) => `https://${host}.example.com`),
    traceSampleRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    zones: fc.boolean(),
  },
  { requiredKeys: [] },
);

const stacks = [
  "dev",
  "prod",
  "prod-edge",
  "prod-us-east-1",
  "prod-us-west-2",
] as const satisfies (typeof examples)[number][];

test("with any settings, AWS accepts every argument and the rules hold", () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...stacks),
      anywhere,
      inRegion,
      word,
      async (stack, general, { zones, ...regional }, organization) => {
        const config: Record<string, string> = { ...exampleConfig(stack) };
        const set = (setting: string, value: unknown) => {
          config[`triggers:${setting}`] = typeof value === "string" ? value : JSON.stringify(value);
        };
        for (const [key, value] of Object.entries(config)) config[key] = value.replaceAll("acme/", `${organization}/`);
        const settings = stack === "prod-edge" ? general : { ...general, ...regional };
        for (const [setting, value] of Object.entries(settings)) set(setting, value);
        const region = config["aws:region"]!;
        if (zones === true && stack !== "prod-edge")
          set(
            "availabilityZones",
            ["b", "d", "f"].map((zone) => `${region}${zone}`),
          );

        const graph = await graphOf(stack, config);
        assert.deepEqual(
          awsRules.flatMap((rule) =>
            graph.resources
              .filter(({ type }) => type === rule.type)
              .filter((resource) =>
                valuesAt(resource.inputs, rule.path).some((value) => !accepted(rule, value, resource)),
              )
              .map(({ name }) => `${name}: ${rule.path} ${rule.says}`),
          ),
          [],
        );
        assert.deepEqual(
          awsRelations.flatMap(({ problems }) => problems(graph)),
          [],
        );
        assert.deepEqual(
          evaluate(stack, resourcesOf(graph), shipped, today)
            .filter(({ outcome }) => outcome === "failed")
            .map(({ rule, message }) => `${rule.name}: ${message}`),
          [],
        );
      },
    ),
    { numRuns: 6 },
  ));

test.run();
