/** One setting that cannot be used as given. */
export interface Fault {
  readonly variable: string;
  /** What was given; undefined when nothing was. Never a secret's value. */
  readonly given: string | undefined;
  /** What would be allowed, in words. */
  readonly allowed: string;
}

/** The configuration cannot be used: every fault at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(["The configuration cannot be used:", ...faults.map(inWords)].join("\n"));
    this.faults = faults;
  }
}

/** Where a server listens. */
export interface ListenAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/**
 * Reads typed settings out of environment variables. A fault never throws: it is kept, a harmless value is returned,
 * and {@link Environment.faults} tells of all of them together. An empty variable counts as unset.
 */
export class Environment {
  /** How many modules share this process: a lone one needs real stores, several may embed theirs. */
  readonly alone: boolean;
  readonly faults: Fault[] = [];
  readonly #variables: Readonly<Record<string, string | undefined>>;

  constructor(variables: Readonly<Record<string, string | undefined>>, { alone }: { alone: boolean }) {
    this.#variables = variables;
    this.alone = alone;
  }

  /** The variable's text, or undefined. */
  optional(variable: string): string | undefined {
    const given = this.#variables[variable];
    return given === undefined || given === "" ? undefined : given;
  }

  string(variable: string, options: { default: string }): string {
    return this.optional(variable) ?? options.default;
  }

  /** A whole number within bounds, both inclusive. */
  integer(variable: string, options: { default: number; min: number; max: number }): number {
    const given = this.optional(variable);
    if (given === undefined) return options.default;
    const value = /^-?\d{1,16}$/.test(given) ? Number(given) : Number.NaN;
    if (value >= options.min && value <= options.max) return value;
    this.fault(variable, given, `a whole number from ${options.min} to ${options.max}`);
    return options.default;
  }

  oneOf<T extends string>(variable: string, options: { values: readonly T[]; default: T }): T {
    const given = this.optional(variable);
    if (given === undefined) return options.default;
    const value = options.values.find((candidate) => candidate === given);
    if (value === undefined) this.fault(variable, given, `one of ${options.values.join(", ")}`);
    return value ?? options.default;
  }

  /** `host:port`, `[v6]:port`. The variable `port`, if named and set, changes the port alone. */
  listen(variable: string, options: { default: ListenAddress; port?: string }): ListenAddress {
    const address = this.#address(variable, options);
    if (options.port === undefined) return address;
    return { ...address, port: this.integer(options.port, { default: address.port, min: 0, max: 65_535 }) };
  }

  /** Records that a setting cannot be used. Pass `given` as undefined for a secret. */
  fault(variable: string, given: string | undefined, allowed: string): void {
    this.faults.push({ variable, given, allowed });
  }

  /** @throws ConfigError when anything was wrong. */
  assertUsable(): void {
    if (this.faults.length > 0) throw new ConfigError(this.faults);
  }

  #address(variable: string, options: { default: ListenAddress }): ListenAddress {
    const given = this.optional(variable);
    if (given === undefined) return options.default;
    const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):(\d{1,5})$/.exec(given);
    const host = parts?.[1] ?? parts?.[2];
    const port = Number(parts?.[3]);
    if (host !== undefined && port <= 65_535) return { host, port };
    this.fault(variable, given, "host:port with a port from 0 to 65535, such as 127.0.0.1:7002");
    return options.default;
  }
}

function inWords({ variable, given, allowed }: Fault): string {
  return given === undefined
    ? `  ${variable} is missing or unusable: give ${allowed}`
    : `  ${variable}=${JSON.stringify(given)}: give ${allowed}`;
}
