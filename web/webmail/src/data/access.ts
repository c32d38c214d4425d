/**
 * Who is signed in: OAuth 2.0 with a code and PKCE (RFC 6749, 7636), the tokens on this device, the session object.
 *
 * A refresh token is good once. So that two tabs don't spend it twice, it is renewed by whoever holds the lock, and
 * the others find the new one. When the server wants a new sign-in, what is on the device stays usable.
 */

import { signal } from "@preact/signals";
import type { Account, Links, Outcome, SessionPort, SignIn } from "./contract";
import { Device, type Config, type Tokens } from "./database";
import { Failure, outcome, problemOf } from "./failures";
import { failureOf, REQUEST_MS, type Credentials } from "./jmap/client";
import { CONTACTS, CORE, MAIL, SUBMISSION, VAPID, WEBMAIL, type Session } from "./jmap/types";
import type { World } from "./world";

const CLIENT = "holdfast-webmail";
const EARLY_MS = 30_000; // a token is renewed this long before its end
const LOCK = "holdfast-tokens";

/** The page's address, so that a test can do without one. */
export interface Page {
  url(): string;
  go(url: string): void;
  replace(url: string): void;
}

export const browserPage: Page = {
  url: () => location.href,
  go: (url) => location.assign(url),
  replace: (url) => history.replaceState(history.state, "", url),
};

export class Access implements Credentials {
  readonly signIn = signal<SignIn>({ state: "unknown" });
  readonly links = signal<Links>({ product: "", accounts: "", signup: "", status: "" });
  private config: Config | undefined;
  private tokens: Tokens | undefined;
  private known: Session | undefined;

  constructor(
    private readonly world: World,
    private readonly device: Device,
    private readonly page: Page,
  ) {}

  /** From what the device knows if it knows enough; otherwise from the service. */
  async start(): Promise<void> {
    this.take(await this.device.get("config"));
    this.tokens = await this.device.get("tokens");
    this.known = await this.device.get("session");
    const code = new URL(this.page.url()).searchParams;
    if (code.has("state") && (code.has("code") || code.has("error"))) await this.comeBack(code);
    else if (this.tokens && this.known && this.config) this.enter();
    else if (this.tokens) await this.begin();
    else await this.out("new");
    void this.loadConfig().catch(() => undefined);
  }

  session(): Session {
    if (!this.known) throw new Failure("sign-in");
    return this.known;
  }

  account(): string {
    const session = this.session();
    return session.primaryAccounts[MAIL] ?? Object.keys(session.accounts)[0] ?? "";
  }

  async bearer(refused?: string): Promise<string> {
    const tokens = this.tokens;
    if (!tokens) throw new Failure("sign-in");
    if (tokens.access !== refused && tokens.until - EARLY_MS > this.world.now()) return tokens.access;
    return this.world.locked(LOCK, () => this.renew(refused));
  }

  private reloading: Promise<void> | null = null;

  /** The session object anew: another state was seen. */
  reload(): Promise<void> {
    this.reloading ??= this.load().finally(() => (this.reloading = null));
    return this.reloading;
  }

  private async load(): Promise<void> {
    if (!this.config || !this.tokens) throw new Failure("sign-in");
    const url = `${this.config.jmap}/.well-known/jmap`;
    let token = await this.bearer();
    for (let attempt = 0; ; attempt++) {
      const response = await this.ask(url, { headers: { authorization: `Bearer ${token}`, accept: "application/json" } });
      if (response.status === 401 && attempt === 0) {
        token = await this.bearer(token);
        continue;
      }
      if (!response.ok) throw await failureOf(response);
      this.known = (await response.json()) as Session;
      await this.device.put("session", this.known);
      await this.device.put("address", this.known.username);
      this.enter();
      return;
    }
  }

  async goSignIn(address?: string): Promise<Outcome> {
    return outcome("unchanged", async () => {
      await this.loadConfig();
      const config = this.config!;
      const response = await this.ask(`${config.jmap}/.well-known/oauth-authorization-server`, {});
      if (!response.ok) throw await failureOf(response);
      const server = (await response.json()) as Record<string, string>;
      const verifier = random();
      const state = random();
      const here = new URL(this.page.url());
      await this.device.put("verifier", {
        state, verifier, tokenEndpoint: server.token_endpoint!, revocationEndpoint: server.revocation_endpoint ?? "", hash: here.hash,
      });
      const url = new URL(server.authorization_endpoint!);
      const hint = address ?? (await this.device.get("address")) ?? "";
      const asked = {
        response_type: "code", client_id: CLIENT, redirect_uri: this.redirectUri(), state,
        code_challenge: await challenge(verifier), code_challenge_method: "S256", ...(hint ? { login_hint: hint } : {}),
      };
      for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
      this.page.go(url.href);
    });
  }

  /** The tokens are revoked where that's possible, and forgotten in any case. */
  async leave(): Promise<void> {
    const tokens = this.tokens;
    if (tokens?.revocationEndpoint) {
      const body = new URLSearchParams({ token: tokens.refresh, client_id: CLIENT });
      await this.ask(tokens.revocationEndpoint, { method: "POST", body }).catch(() => undefined);
    }
    this.tokens = undefined;
    this.known = undefined;
    await this.device.remove("tokens");
    await this.device.remove("session");
    await this.out("signed-out");
  }

  /** Another tab signed out. */
  async left(): Promise<void> {
    this.tokens = undefined;
    this.known = undefined;
    await this.out("signed-out");
  }

  statusUrl(): string {
    return this.config?.status ?? "";
  }

  port(signOut: () => Promise<Outcome>): SessionPort {
    return { signIn: this.signIn, links: this.links, goSignIn: (address) => this.goSignIn(address), signOut };
  }

  // ------------------------------------------------------------------------------------------------------

  private async comeBack(query: URLSearchParams): Promise<void> {
    const asked = await this.device.get("verifier");
    await this.device.remove("verifier");
    const here = new URL(this.page.url());
    for (const name of ["code", "state", "iss", "error", "error_description"]) here.searchParams.delete(name);
    if (asked) here.hash = asked.hash;
    this.page.replace(here.href);
    if (!asked || asked.state !== query.get("state") || !query.has("code")) {
      if (this.tokens && this.known) this.enter();
      else await this.out("new");
      return;
    }
    try {
      const body = new URLSearchParams({
        grant_type: "authorization_code", code: query.get("code")!, client_id: CLIENT, redirect_uri: this.redirectUri(),
        code_verifier: asked.verifier,
      });
      await this.keep(await this.ask(asked.tokenEndpoint, { method: "POST", body }), asked);
      await this.begin();
    } catch (error) {
      await this.out("new", error);
    }
  }

  /** Signed in, but the session object isn't known yet. */
  private async begin(): Promise<void> {
    try {
      if (!this.config) await this.loadConfig();
      await this.reload();
    } catch (error) {
      if (this.known) this.enter();
      else await this.out(error instanceof Failure && error.what === "sign-in" ? "expired" : "new", error);
    }
  }

  private async renew(refused?: string): Promise<string> {
    const tokens = (await this.device.get("tokens")) ?? this.tokens;
    if (!tokens) throw new Failure("sign-in");
    const another = tokens.access !== this.tokens?.access;
    this.tokens = tokens;
    if (another && tokens.access !== refused && tokens.until - EARLY_MS > this.world.now()) return tokens.access;
    const body = new URLSearchParams({ grant_type: "refresh_token", refresh_token: tokens.refresh, client_id: CLIENT });
    const response = await this.ask(tokens.tokenEndpoint, { method: "POST", body });
    if (response.status === 400 || response.status === 401) {
      this.expire();
      throw new Failure("sign-in");
    }
    await this.keep(response, tokens);
    return this.tokens.access;
  }

  private async keep(response: Response, where: { tokenEndpoint: string; revocationEndpoint: string }): Promise<void> {
    if (!response.ok) throw await failureOf(response);
    const got = (await response.json()) as { access_token: string; refresh_token?: string; expires_in?: number };
    this.tokens = {
      access: got.access_token,
      refresh: got.refresh_token ?? this.tokens?.refresh ?? "",
      until: this.world.now() + (got.expires_in ?? 600) * 1000,
      tokenEndpoint: where.tokenEndpoint,
      revocationEndpoint: where.revocationEndpoint,
    };
    await this.device.put("tokens", this.tokens);
  }

  private expire(): void {
    const now = this.signIn.value;
    if (now.state === "in") this.signIn.value = { ...now, renew: true };
  }

  private enter(): void {
    this.signIn.value = { state: "in", account: accountOf(this.session(), this.account(), this.world.push !== null), renew: false };
  }

  private async out(why: "new" | "signed-out" | "expired", error?: unknown): Promise<void> {
    this.signIn.value = {
      state: "out", why, address: (await this.device.get("address")) ?? null,
      problem: error === undefined ? null : problemOf(error, "unchanged"),
    };
  }

  private async loadConfig(): Promise<void> {
    try {
      const response = await this.ask(new URL("config.json", this.page.url()).href, { cache: "no-cache" });
      if (!response.ok) throw await failureOf(response);
      const config = (await response.json()) as Config;
      await this.device.put("config", config);
      this.take(config);
    } catch (error) {
      if (!this.config) throw error;
    }
  }

  private take(config: Config | undefined): void {
    if (!config) return;
    this.config = { ...config, jmap: config.jmap.replace(/\/$/, "") };
    const { product, accounts, signup, status } = config;
    this.links.value = { product, accounts, signup, status };
  }

  private redirectUri(): string {
    const here = new URL(this.page.url());
    return here.origin + here.pathname;
  }

  private async ask(url: string, init: RequestInit): Promise<Response> {
    const abort = new AbortController();
    const cancel = this.world.later(REQUEST_MS, () => abort.abort());
    try {
      return await this.world.fetch(url, { ...init, signal: abort.signal });
    } catch (error) {
      throw new Failure(this.world.online() ? "unreachable" : "offline", String(error));
    } finally {
      cancel();
    }
  }
}

function accountOf(session: Session, id: string, takesPush: boolean): Account {
  const account = session.accounts[id];
  const can = account?.accountCapabilities ?? {};
  const core = session.capabilities[CORE] ?? {};
  const number = (value: unknown, otherwise: number) => (typeof value === "number" && value >= 0 ? value : otherwise);
  const delay = number(can[SUBMISSION]?.maxDelayedSend, 0) * 1000;
  const attachment = number(can[MAIL]?.maxSizeAttachmentsPerEmail, 25_000_000);
  return {
    id, address: session.username, name: account?.name ?? session.username,
    limits: { attachment: Math.min(attachment, number(core.maxSizeUpload, attachment)), message: attachment, delayedSend: delay },
    can: {
      send: SUBMISSION in can, sendLater: delay > 0, snooze: WEBMAIL in can, settings: WEBMAIL in can,
      contacts: CONTACTS in can, push: takesPush && VAPID in session.capabilities,
    },
  };
}

function random(): string {
  return base64(crypto.getRandomValues(new Uint8Array(32)));
}

async function challenge(verifier: string): Promise<string> {
  return base64(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
