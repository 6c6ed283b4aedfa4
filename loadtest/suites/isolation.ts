import { suite } from "../k6.ts";

export const { options, setup, write, read } = suite("isolation");
