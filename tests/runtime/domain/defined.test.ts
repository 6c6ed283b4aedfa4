import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { defined, mapDefined } from "../../../runtime/domain/defined.ts";

test("exactly the members with a value remain, in their order, for any value", () =>
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z]\w*$/), fc.option(fc.anything(), { nil: undefined })),
      (members) => {
        const expected = Object.entries(members).filter(([, value]) => value !== undefined);
        assert.deepEqual(Object.entries(defined(members)), expected);
      },
    ),
  ));

test("`mapDefined` leaves undefined as it is and maps every other value, empty ones too", () => {
  const made = (value: unknown) => mapDefined(value, (each) => [each]);
  assert.deepEqual([undefined, null, 0, "", false].map(made), [undefined, [null], [0], [""], [false]]);
});

test.run();
