import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { SignIn } from "./signIn.ts";

/**
 * Many client connections before the one session that PGlite has, as RDS Proxy multiplexes transactions. Invariant: from the first message of
 * a unit of work until the server says it is idle (`ReadyForQuery` with status I), no other connection's messages reach the session; a client
 * that goes away in the middle is rolled back. So transactions are isolated, one after the other. Session-wide state (SET without LOCAL, LISTEN,
 * session advisory locks) is shared, as it may not be used through RDS Proxy either.
 */
export interface Backend {
  /** Hands protocol messages to the session. @returns everything the server answered */
  exec(messages: Uint8Array): Promise<Uint8Array>;
  rollback(): Promise<void>;
}

/** What a server says as it refuses somebody. */
export interface Refusal {
  /** SQLSTATE. */
  readonly code: string;
  readonly message: string;
}

export interface FrontOptions {
  /** What a client that knows user and database is refused with. @default nothing */
  admit?(): Refusal | undefined;
  /** Called after a transaction that spoke of roles, before anybody else's turn. */
  rolesChanged?(): Promise<void>;
  readonly user: string;
  readonly database: string;
  /** Judges a password. @default nobody is asked for one */
  readonly maySignIn?: ((signIn: SignIn) => Promise<boolean>) | undefined;
  /** As `server_version` tells it. */
  readonly version: string;
  /** A session of its own for each client, signed in: the client speaks with that from then on. @default the backend's one session */
  readonly upstream?: (() => Promise<Upstream>) | undefined;
}

/** A session of a server elsewhere, whose next message is a client's. */
export interface Upstream {
  readonly socket: Duplex;
  /** What the server has told of itself, by name. */
  readonly settings: Readonly<Record<string, string>>;
}

const SSL_REQUEST = 80877103;
const GSS_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
const PROTOCOL_3 = 3;

const TERMINATE = 0x58;
const PASSWORD = 0x70;
/** AuthenticationCleartextPassword: IAM tokens travel like this, by TLS where the network is not this machine. */
const CLEARTEXT_PASSWORD = 3;
const LONGEST_PASSWORD = 16_384;
/** Statements after which somebody else may be a member of a role. */
const ABOUT_ROLES = /\b(grant|revoke)\b|\b(create|alter|drop)\s+(role|user|group)\b/i;

/** Query, Sync, Flush, CopyDone, CopyFail: what came before them can run now. */
const BOUNDARIES = new Set([0x51, 0x53, 0x48, 0x63, 0x66]);

/** A front that judges who comes, and hands each client a session of a server elsewhere. */
export const createGate = (options: FrontOptions & Required<Pick<FrontOptions, "upstream">>): Server =>
  createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    new Session(socket, options, () => undefined);
  });

export function createFront(backend: Backend, options: FrontOptions): Server {
  let owner: Session | undefined;
  let running = false;
  let aboutRoles = false;
  const waiting: Session[] = [];

  async function pump(): Promise<void> {
    if (running) return;
    running = true;
    for (;;) {
      const session = owner ?? waiting.shift();
      const unit = session?.takeUnit();
      if (session === undefined) break;
      if (unit === undefined) {
        if (owner !== undefined) break;
        continue;
      }
      owner = session;
      aboutRoles ||= options.rolesChanged !== undefined && ABOUT_ROLES.test(Buffer.from(unit).toString("latin1"));
      const answer = await backend.exec(unit);
      if (aboutRoles && isIdle(answer)) {
        aboutRoles = false;
        await options.rolesChanged!();
      }
      session.write(answer);
      if (session.gone) await leave(session);
      else if (isIdle(answer)) {
        owner = undefined;
        if (session.ready) waiting.push(session);
      }
    }
    running = false;
  }

  async function leave(session: Session): Promise<void> {
    if (owner !== session) return;
    await backend.rollback();
    owner = undefined;
  }

  return createServer({ noDelay: true }, (socket) => {
    const session = new Session(socket, options, () => {
      if (owner !== session && !waiting.includes(session)) waiting.push(session);
      void pump();
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", async () => {
      session.gone = true;
      if (owner === session && !running) {
        // The session holds the server between two of its messages.
        running = true;
        await leave(session);
        running = false;
        void pump();
      }
    });
  });
}

/** Whether the answer ends with ReadyForQuery outside a transaction. */
const isIdle = (answer: Uint8Array): boolean => answer.at(-6) === 0x5a && answer.at(-2) === 5 && answer.at(-1) === 0x49;

class Session {
  gone = false;
  readonly #socket: Socket;
  readonly #options: FrontOptions;
  readonly #arrived: () => void;
  /** Undefined until a client has said who it is, then until it has proved it. */
  #signing: "asked" | "judged" | undefined;
  #bytes: Buffer = Buffer.alloc(0);
  #started = false;
  /** Whole messages of which none yet ends a unit. */
  #open: Buffer[] = [];
  #units: Buffer[] = [];

  constructor(socket: Socket, options: FrontOptions, arrived: () => void) {
    this.#socket = socket;
    this.#options = options;
    this.#arrived = arrived;
    socket.on("data", (data) => this.#take(data));
  }

  get ready(): boolean {
    return this.#units.length > 0;
  }

  takeUnit(): Uint8Array | undefined {
    return this.gone ? undefined : this.#units.shift();
  }

  write(answer: Uint8Array): void {
    if (!this.gone && answer.length > 0) this.#socket.write(answer);
  }

  #take(data: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? data : Buffer.concat([this.#bytes, data]);
    while (!this.#started && this.#start()) {
      // Each packet before the session proper is answered on its own.
    }
    if (!this.#started) return;
    let at = 0;
    while (at + 5 <= this.#bytes.length) {
      const end = at + 1 + this.#bytes.readUInt32BE(at + 1);
      if (end > this.#bytes.length) break;
      const message = this.#bytes.subarray(at, end);
      at = end;
      if (message[0] === TERMINATE) {
        this.#socket.end();
        return;
      }
      this.#open.push(message);
      if (BOUNDARIES.has(message[0]!)) {
        this.#units.push(this.#open.length === 1 ? message : Buffer.concat(this.#open));
        this.#open = [];
      }
    }
    this.#bytes = this.#bytes.subarray(at);
    if (this.ready) this.#arrived();
  }

  /** One packet of the start of a connection. @returns whether there may be another */
  #start(): boolean {
    if (this.#signing === "judged") return false;
    if (this.#signing === "asked") return this.#password();
    if (this.#bytes.length < 8) return false;
    const length = this.#bytes.readUInt32BE(0);
    if (this.#bytes.length < length) return false;
    const packet = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    const code = packet.readUInt32BE(4);
    if (code === SSL_REQUEST || code === GSS_REQUEST) {
      this.#socket.write("N");
      return true;
    }
    if (code === CANCEL_REQUEST || code >>> 16 !== PROTOCOL_3) {
      this.#socket.end();
      return false;
    }
    const words = packet.toString("utf8", 8).split("\0");
    const given = (name: string) => words[words.findIndex((word, i) => i % 2 === 0 && word === name) + 1];
    const { user, database } = this.#options;
    if (given("user") !== user) return this.#refuse("28000", `role "${given("user")}" does not exist`);
    if ((given("database") ?? user) !== database)
      return this.#refuse("3D000", `database "${given("database")}" does not exist`);
    if (this.#options.maySignIn === undefined) return this.#admit();
    this.#signing = "asked";
    this.#socket.write(message("R", Buffer.from([0, 0, 0, CLEARTEXT_PASSWORD])));
    return true;
  }

  /** The password message, which may not have come yet. */
  #password(): boolean {
    if (this.#bytes.length < 5) return false;
    const end = 1 + this.#bytes.readUInt32BE(1);
    if (this.#bytes[0] !== PASSWORD || end > LONGEST_PASSWORD)
      return this.#refuse("08P01", "expected password response");
    if (this.#bytes.length < end) return false;
    const password = this.#bytes.toString("utf8", 5, end - 1);
    this.#bytes = this.#bytes.subarray(end);
    this.#signing = "judged";
    const { user } = this.#options;
    this.#options.maySignIn!({ user, password }).then(
      (may) => {
        if (may) this.#admit();
        else
          this.#refuse(
            "28P01",
            `The IAM authentication failed for the role ${user}. Check the IAM token for this role and try again.`,
          );
        this.#take(Buffer.alloc(0));
      },
      () => this.#socket.destroy(),
    );
    return false;
  }

  #admit(): false {
    const { version, upstream } = this.#options;
    const refusal = this.#options.admit?.();
    if (refusal !== undefined) return this.#refuse(refusal.code, refusal.message);
    if (upstream !== undefined) {
      this.#signing = "judged";
      upstream().then(
        (session) => this.#handOver(session),
        (error: Error) => this.#refuse("08006", `the server behind this one can't be reached: ${error.message}`),
      );
      return false;
    }
    const settings = {
      server_version: version,
      server_encoding: "UTF8",
      client_encoding: "UTF8",
      DateStyle: "ISO, MDY",
      TimeZone: "UTC",
      integer_datetimes: "on",
      standard_conforming_strings: "on",
    };
    this.#greet(settings);
    this.#started = true;
    return false;
  }

  #greet(settings: Readonly<Record<string, string>>): void {
    this.#socket.write(
      Buffer.concat([
        message("R", Buffer.from([0, 0, 0, 0])),
        ...Object.entries(settings).map(([name, value]) => message("S", Buffer.from(`${name}\0${value}\0`))),
        message("K", Buffer.alloc(8)),
        message("Z", Buffer.from("I")),
      ]),
    );
  }

  #handOver({ socket, settings }: Upstream): void {
    this.#greet(settings);
    this.#socket.removeAllListeners("data");
    socket.on("error", () => this.#socket.destroy());
    socket.on("close", () => this.#socket.destroy());
    this.#socket.on("close", () => socket.destroy());
    socket.write(this.#bytes);
    this.#socket.pipe(socket).pipe(this.#socket);
  }

  #refuse(code: string, text: string): false {
    this.#socket.end(message("E", Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0\0`)));
    return false;
  }
}

function message(type: string, payload: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type, "latin1");
  head.writeUInt32BE(payload.length + 4, 1);
  return Buffer.concat([head, payload]);
}
