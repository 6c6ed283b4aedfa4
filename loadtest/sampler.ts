import { existsSync, readdirSync, readFileSync } from "node:fs";

/**
 * CPU by thread and memory by process, read from /proc once a second (Linux; elsewhere there is simply nothing to show).
 * The platform names its threads after the function that runs in them, so handler CPU, which AWS bills, is told apart
 * from stand-in CPU, which it does not.
 */

const TICKS_PER_SECOND = 100;

export interface Sample {
  readonly at: number;
  /** CPU seconds since the process began, by `<process>/<thread>`. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Resident bytes by process. */
  readonly memory: Readonly<Record<string, number>>;
}

const cpuOf = (stat: string): number => {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

function threads(pid: number): [name: string, seconds: number][] {
  const folder = `/proc/${pid}/task`;
  return readdirSync(folder).flatMap((task): [string, number][] => {
    try {
      const stat = readFileSync(`${folder}/${task}/stat`, "utf8");
      const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
      return [[Number(task) === pid ? "main" : name, cpuOf(stat)]];
    } catch {
      return [];
    }
  });
}

/** One reading of the named processes. A process that has ended is left out. */
function sample(processes: Readonly<Record<string, number>>): Sample {
  const cpu: Record<string, number> = {};
  const memory: Record<string, number> = {};
  for (const [name, pid] of Object.entries(processes)) {
    if (!existsSync(`/proc/${pid}/task`)) continue;
    for (const [thread, seconds] of threads(pid)) {
      const key = `${name}/${thread}`;
      cpu[key] = (cpu[key] ?? 0) + seconds;
    }
    try {
      memory[name] = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
    } catch {
      // ended between the two readings
    }
  }
  return { at: Date.now(), cpu, memory };
}

export interface Sampler {
  readonly samples: readonly Sample[];
  stop(): readonly Sample[];
}

/** Reads the processes every second until stopped. */
export function startSampler(processes: Readonly<Record<string, number>>): Sampler {
  const samples = [sample(processes)];
  const timer = setInterval(() => samples.push(sample(processes)), 1_000);
  return {
    samples,
    stop: () => {
      clearInterval(timer);
      samples.push(sample(processes));
      return samples;
    },
  };
}
