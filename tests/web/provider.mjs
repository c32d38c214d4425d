// A provider of sign-ins for tests: panva's oidc-provider, with keys of its own each time it is started.
// Environment: MODULE, PORT, ALGORITHM, BACK (redirect URIs, split by spaces), SECRET, CLAIMS (JSON: login → claims).
import { generateKeyPairSync, randomUUID } from "node:crypto";

const { Provider } = await import(process.env.MODULE);
const port = Number(process.env.PORT);
const algorithm = process.env.ALGORITHM;
const people = JSON.parse(process.env.CLAIMS);

function key(kind, options, alg) {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: "jwk" }), use: "sig", alg, kid: randomUUID() };
}

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{
    client_id: "holdfast",
    client_secret: process.env.SECRET,
    redirect_uris: process.env.BACK.split(" "),
    id_token_signed_response_alg: algorithm,
  }],
  jwks: { keys: [
    key("rsa", { modulusLength: 2048 }, "RS256"),
    key("ec", { namedCurve: "P-256" }, "ES256"),
    key("ed25519", {}, "EdDSA"),
  ] },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA"] },
  cookies: { keys: [randomUUID()] },
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
  loadExistingGrant: async (ctx) => {  // nobody is asked whether we may know his address
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid email");
    await grant.save();
    return grant;
  },
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
