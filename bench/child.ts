import { spawn, type ChildProcess, type Serializable } from "node:child_process";

/** A Node process that is asked by IPC and answers each question once. */
export interface Child<Answer> {
  ask(question: Serializable): Promise<Answer>;
  signal(name: NodeJS.Signals): void;
  /** What it has written. */
  output(): string;
  /** Ends it as a power cut would; resolves when it is gone. */
  kill(): Promise<void>;
}

/** How a process is started. */
export interface ChildOptions {
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** The network namespace it lives in. Absent: the one of this process. */
  readonly namespace?: string | undefined;
  /** More options of Node. */
  readonly node?: readonly string[] | undefined;
}

export function startChild<Answer>(
  script: string,
  args: readonly string[],
  { variables = {}, namespace, node = [] }: ChildOptions = {},
): Child<Answer> {
  const [command = "", ...rest] = [
    ...(namespace === undefined ? [] : ["ip", "netns", "exec", namespace]),
    process.execPath,
    ...node,
    script,
    ...args,
  ];
  const child: ChildProcess = spawn(command, rest, {
    env: { PATH: process.env.PATH, ...variables },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const gone = new Promise<void>((resolve) => {
    child.once("close", () => {
      resolve();
    });
  });
  const waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  const failAll = (error: Error) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  child.on("message", (answer: Answer) => waiting.shift()?.resolve(answer));
  child.on("error", failAll);
  void gone.then(() => {
    failAll(new Error(`${script} has ended: ${output.slice(-2_000)}`));
  });
  return {
    ask: (question) =>
      new Promise<Answer>((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.send(question, (error) => {
          if (error) failAll(error);
        });
      }),
    signal: (name) => void child.kill(name),
    output: () => output,
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
