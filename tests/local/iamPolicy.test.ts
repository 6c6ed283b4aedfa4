import assert from "node:assert/strict";
import { suite } from "uvu";
import { type Context, evaluate, parsePolicy, wildcard } from "../../local/iamPolicy.ts";

// Rows follow "Policy evaluation logic", "IAM JSON policy elements: Condition operators", "Creating a condition with
// multiple keys or values" and "Multivalued context keys" of the IAM User Guide.
const test = suite("identity policies");

const decide = (statements: object[], action: string, resource: string, context: Context = {}) =>
  evaluate(parsePolicy({ Version: "2012-10-17", Statement: statements }), { action, resource, context });

const queue = "arn:aws:sqs:us-east-1:000000000000:work";
const allow = { Effect: "Allow", Action: "sqs:SendMessage", Resource: queue };

const rows: [says: string, statements: object[], action: string, resource: string, decision: string][] = [
  ["nothing allows it: denied by default", [], "sqs:SendMessage", queue, "implicit_deny"],
  ["an allow that matches allows", [allow], "sqs:SendMessage", queue, "allow"],
  ["actions ignore case", [allow], "SQS:sendmessage", queue, "allow"],
  ["resources don't ignore case", [allow], "sqs:SendMessage", queue.toUpperCase(), "implicit_deny"],
  ["another action is not allowed", [allow], "sqs:DeleteMessage", queue, "implicit_deny"],
  ["another resource is not allowed", [allow], "sqs:SendMessage", `${queue}-dead`, "implicit_deny"],
  [
    "an explicit deny wins over an allow",
    [allow, { ...allow, Effect: "Deny" }],
    "sqs:SendMessage",
    queue,
    "explicit_deny",
  ],
  [
    "an explicit deny before the allow wins too",
    [{ ...allow, Effect: "Deny" }, allow],
    "sqs:SendMessage",
    queue,
    "explicit_deny",
  ],
  [
    "* stands for any run",
    [{ ...allow, Action: "sqs:*", Resource: "arn:aws:sqs:*:*:w*k" }],
    "sqs:SendMessage",
    queue,
    "allow",
  ],
  [
    "* in the middle reaches over slashes",
    [{ ...allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*/x" }],
    "s3:GetObject",
    "arn:aws:s3:::b/1/2/x",
    "allow",
  ],
  [
    "? stands for one character",
    [{ ...allow, Resource: "arn:aws:sqs:us-east-?:000000000000:wor?" }],
    "sqs:SendMessage",
    queue,
    "allow",
  ],
  ["? does not stand for none", [{ ...allow, Resource: `${queue}?` }], "sqs:SendMessage", queue, "implicit_deny"],
  ["a dot is a dot", [{ ...allow, Action: "sqs.SendMessage" }], "sqs:SendMessage", queue, "implicit_deny"],
  [
    "a list is alternatives",
    [{ ...allow, Action: ["sqs:GetQueueUrl", "sqs:SendMessage"] }],
    "sqs:SendMessage",
    queue,
    "allow",
  ],
  [
    "NotAction allows all but the named",
    [{ Effect: "Allow", NotAction: "sqs:DeleteQueue", Resource: "*" }],
    "sqs:SendMessage",
    queue,
    "allow",
  ],
  [
    "NotAction leaves out the named",
    [{ Effect: "Allow", NotAction: "sqs:DeleteQueue", Resource: "*" }],
    "sqs:DeleteQueue",
    queue,
    "implicit_deny",
  ],
  [
    "NotResource applies to all but the named",
    [allow, { Effect: "Deny", Action: "*", NotResource: queue }],
    "sqs:SendMessage",
    queue,
    "allow",
  ],
  [
    "a deny with NotResource catches the others",
    [
      { ...allow, Resource: "*" },
      { Effect: "Deny", Action: "*", NotResource: queue },
    ],
    "sqs:SendMessage",
    `${queue}2`,
    "explicit_deny",
  ],
];
for (const [says, statements, action, resource, decision] of rows) {
  test(says, () => assert.equal(decide(statements, action, resource), decision));
}

const conditions: [says: string, condition: object, context: Context, holds: boolean][] = [
  ["StringEquals compares exactly", { StringEquals: { "a:k": "x" } }, { "a:k": "x" }, true],
  ["StringEquals minds case", { StringEquals: { "a:k": "x" } }, { "a:k": "X" }, false],
  ["condition keys ignore case", { StringEquals: { "A:K": "x" } }, { "a:k": "x" }, true],
  ["a missing key fails a positive operator", { StringEquals: { "a:k": "x" } }, {}, false],
  ["a missing key satisfies a negated one", { StringNotEquals: { "a:k": "x" } }, {}, true],
  ["IfExists forgives a missing key", { StringEqualsIfExists: { "a:k": "x" } }, {}, true],
  ["IfExists compares a key that is there", { StringEqualsIfExists: { "a:k": "x" } }, { "a:k": "y" }, false],
  ["several values are alternatives", { StringEquals: { "a:k": ["x", "y"] } }, { "a:k": "y" }, true],
  ["for a negated operator none may match", { StringNotEquals: { "a:k": ["x", "y"] } }, { "a:k": "y" }, false],
  ["several keys must all hold", { StringEquals: { "a:k": "x", "a:l": "z" } }, { "a:k": "x", "a:l": "y" }, false],
  [
    "several operators must all hold",
    { StringEquals: { "a:k": "x" }, Bool: { "a:b": "true" } },
    { "a:k": "x", "a:b": "false" },
    false,
  ],
  ["StringLike knows wildcards", { StringLike: { "a:k": "cus_*#?" } }, { "a:k": "cus_1#7" }, true],
  ["StringNotLike is its opposite", { StringNotLike: { "a:k": "cus_*" } }, { "a:k": "cus_1" }, false],
  ["StringEqualsIgnoreCase ignores case", { StringEqualsIgnoreCase: { "a:k": "x" } }, { "a:k": "X" }, true],
  [
    "ArnLike matches part by part",
    { ArnLike: { "aws:SourceArn": "arn:aws:sqs:*:*:w*" } },
    { "aws:sourcearn": queue },
    true,
  ],
  [
    "a * of ArnLike does not reach over a colon",
    { ArnLike: { "aws:SourceArn": "arn:aws:*:work" } },
    { "aws:sourcearn": queue },
    false,
  ],
  [
    "Bool compares true and false",
    { Bool: { "aws:SecureTransport": "true" } },
    { "aws:securetransport": "true" },
    true,
  ],
  ["Bool accepts JSON's own", { Bool: { "aws:SecureTransport": false } }, { "aws:securetransport": "true" }, false],
  ["Null true asks that the key is missing", { Null: { "a:k": "true" } }, {}, true],
  ["Null false asks that it is there", { Null: { "a:k": "false" } }, {}, false],
  ["NumericLessThan compares numbers", { NumericLessThan: { "a:n": "10" } }, { "a:n": "9" }, true],
  ["NumericGreaterThanEquals includes its bound", { NumericGreaterThanEquals: { "a:n": "10" } }, { "a:n": "10" }, true],
  [
    "DateGreaterThan compares times",
    { DateGreaterThan: { "aws:CurrentTime": "2026-01-01T00:00:00Z" } },
    { "aws:currenttime": "2026-06-01T00:00:00Z" },
    true,
  ],
  [
    "IpAddress asks for a range",
    { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } },
    { "aws:sourceip": "10.20.30.40" },
    true,
  ],
  [
    "NotIpAddress is its opposite",
    { NotIpAddress: { "aws:SourceIp": "10.0.0.0/8" } },
    { "aws:sourceip": "11.0.0.1" },
    true,
  ],
  [
    "ForAllValues asks every value",
    { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": "cus_1#*" } },
    { "dynamodb:leadingkeys": ["cus_1#0", "cus_2#0"] },
    false,
  ],
  [
    "ForAllValues holds when there is none",
    { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": "cus_1#*" } },
    {},
    true,
  ],
  ["ForAnyValue asks for one", { "ForAnyValue:StringEquals": { "a:k": ["x"] } }, { "a:k": ["y", "x"] }, true],
  ["ForAnyValue fails when there is none", { "ForAnyValue:StringEquals": { "a:k": ["x"] } }, {}, false],
  [
    "a policy variable takes the request's value",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of policy variables
    { StringEquals: { "a:k": "${aws:PrincipalAccount}" } },
    { "a:k": "1", "aws:principalaccount": "1" },
    true,
  ],
  [
    "a policy variable without value matches nothing",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of policy variables
    { StringEquals: { "a:k": "${aws:PrincipalAccount}" } },
    { "a:k": "" },
    false,
  ],
];
for (const [says, Condition, context, holds] of conditions) {
  test(says, () =>
    assert.equal(
      decide([{ ...allow, Condition }], "sqs:SendMessage", queue, context),
      holds ? "allow" : "implicit_deny",
    ),
  );
}

const refused: [says: string, policy: unknown, message: string][] = [
  [
    "an unknown operator is an error, never a yes",
    { Statement: [{ ...allow, Condition: { StringAlmostEquals: { "a:k": "x" } } }] },
    "policy: unknown condition operator StringAlmostEquals",
  ],
  [
    "also below a set operator",
    { Statement: [{ ...allow, Condition: { "ForAnyValue:Like": { "a:k": "x" } } }] },
    "policy: unknown condition operator ForAnyValue:Like",
  ],
  [
    "an unknown member of a statement",
    { Statement: [{ ...allow, Actions: [] }] },
    "policy: unknown member Actions in a statement",
  ],
  [
    "an effect that is neither",
    { Statement: [{ ...allow, Effect: "allow" }] },
    'policy: Effect must be Allow or Deny, not "allow"',
  ],
  ["an unknown version", { Version: "2027-01-01", Statement: [allow] }, 'policy: unknown Version "2027-01-01"'],
  [
    "no action",
    { Statement: [{ Effect: "Allow", Resource: "*" }] },
    "policy: a statement needs exactly one of Action and NotAction",
  ],
  [
    "both kinds of action",
    { Statement: [{ ...allow, NotAction: "a:b" }] },
    "policy: a statement needs exactly one of Action and NotAction",
  ],
  [
    "no resource",
    { Statement: [{ Effect: "Allow", Action: "a:b" }] },
    "policy: a statement needs one of Resource and NotResource",
  ],
  [
    "a principal in an identity policy",
    { Statement: [{ ...allow, Principal: "*" }] },
    "policy: an identity policy must not name a Principal",
  ],
  ["no statement", {}, "policy: no Statement"],
];
for (const [says, policy, message] of refused) {
  test(`refused: ${says}`, () => assert.throws(() => parsePolicy(policy), { message }));
}

test("beside wildcards each character of a pattern stands for itself", () => {
  assert.equal(wildcard("a.b+(c)[d]^$|\\*")("a.b+(c)[d]^$|\\anything"), true);
  assert.equal(wildcard("a.b")("axb"), false);
});

test.run();
