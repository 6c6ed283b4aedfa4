import type { Environment } from "../domain/environment.ts";

export const cubeVariables = ["METRICS_TABLE", "CUBE_BUCKET"] as const;
export type CubeEnvironment = Environment<typeof cubeVariables>;
