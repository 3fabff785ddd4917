// A fediverse server on Fedify, for the demo and the end-to-end tests. It is
// told what to do over a control port on loopback: POST /NAME with a JSON object,
// answered with JSON. Environment: HOST, LISTEN and CONTROL (address:port), CERT
// and CERT_KEY, STATE (a folder; who starts there again goes on where it ended),
// KEYS (a folder of keys to share with other peers of the run), USERS (names,
// comma between), LOCKED (those who approve followers by hand).
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import http from "node:http";
import https from "node:https";

import { Temporal } from "@js-temporal/polyfill";
import { configure, getConsoleSink } from "@logtape/logtape";
import * as F from "@fedify/fedify";
import * as V from "@fedify/fedify/vocab";

globalThis.Temporal ??= Temporal;
globalThis.navigator ??= { userAgent: "node" }; // Fedify reads it, Node 20 has none

const need = (name) => process.env[name] ?? fail(`${name} is not set`);
const fail = (text) => { throw new Error(text); };
const HOST = need("HOST");
const names = need("USERS").split(",");
const locked = new Set((process.env.LOCKED ?? "").split(",").filter(Boolean));
const origin = new URL(`https://${HOST}/`);
const stateFile = `${need("STATE")}/state.json`;

await configure({
  sinks: { out: getConsoleSink() },
  loggers: [
    { category: "fedify", sinks: ["out"], lowestLevel: process.env.TRACE ?? "warning" },
    { category: ["logtape", "meta"], sinks: ["out"], lowestLevel: "error" },
  ],
});

// What must outlive a restart: keys above all, as servers keep a peer's for long.
const state = existsSync(stateFile)
  ? JSON.parse(readFileSync(stateFile, "utf8"))
  : Object.fromEntries(names.map((n) => [n, { keys: {}, followers: {}, following: [], requests: {}, notes: {}, sent: {} }]));
function save() {
  writeFileSync(`${stateFile}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${stateFile}.new`, stateFile);
}
save();
const arrived = []; // activities that passed Fedify's checks
const posted = []; // every POST to an inbox, whatever became of it

const retry = F.createExponentialBackoffPolicy({ initialDelay: { seconds: 1 }, maxDelay: { seconds: 4 }, maxAttempts: 30 });
const federation = F.createFederation({
  kv: new F.MemoryKvStore(),
  queue: new F.InProcessMessageQueue({ pollInterval: { milliseconds: 50 } }),
  origin: origin.origin,
  allowPrivateAddress: true,
  userAgent: { software: "isthmus-e2e-peer/1.0", url: origin },
  outboxRetryPolicy: retry,
  inboxRetryPolicy: retry,
  // Its circuit breaker would hold everything back for half an hour after the
  // failures that the tests cause; they are about what arrives after those.
  circuitBreaker: false,
});

async function keyPairs(_ctx, name) {
  const mine = state[name]?.keys;
  if (!mine) return [];
  if (!mine.rsa) {
    Object.assign(mine, await newKeys(`${need("KEYS")}/${names.indexOf(name)}.json`));
    save();
  }
  return Promise.all(Object.values(mine).map(async (k) => ({
    privateKey: await F.importJwk(k.private, "private"), publicKey: await F.importJwk(k.public, "public"),
  })));
}

// newKeys makes keys, or takes those that an earlier peer of this run made:
// RSA keys of 4096 bits cost seconds.
async function newKeys(file) {
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  const keys = {};
  for (const [name, algorithm] of [["rsa", "RSASSA-PKCS1-v1_5"], ["ed25519", "Ed25519"]]) {
    const made = await F.generateCryptoKeyPair(algorithm);
    keys[name] = { private: await F.exportJwk(made.privateKey), public: await F.exportJwk(made.publicKey) };
  }
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(keys), { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
  return keys;
}

federation
  .setActorDispatcher("/users/{identifier}", async (ctx, name) => {
    if (!state[name]) return null;
    const keys = await ctx.getActorKeyPairs(name);
    return new V.Person({
      id: ctx.getActorUri(name),
      url: new URL(`/@${name}`, origin),
      preferredUsername: name,
      name: name[0].toUpperCase() + name.slice(1),
      summary: `<p>${name} lives on ${HOST}.</p>`,
      inbox: ctx.getInboxUri(name),
      outbox: ctx.getOutboxUri(name),
      followers: ctx.getFollowersUri(name),
      following: ctx.getFollowingUri(name),
      endpoints: new V.Endpoints({ sharedInbox: ctx.getInboxUri() }),
      manuallyApprovesFollowers: locked.has(name),
      discoverable: true,
      indexable: true,
      publicKey: keys[0].cryptographicKey,
      assertionMethods: keys.map((k) => k.multikey),
    });
  })
  .mapHandle((_ctx, name) => (state[name] ? name : null))
  .setKeyPairsDispatcher(keyPairs);

const noteOf = (json) => V.Note.fromJsonLd(json);
const isOpen = (note) => [...note.toIds, ...note.ccIds].some((u) => u.href === V.PUBLIC_COLLECTION.href);

federation
  .setObjectDispatcher(V.Note, "/users/{identifier}/notes/{n}", async (ctx, { identifier, n }) => {
    const json = state[identifier]?.notes[n];
    return json ? noteOf(json) : null;
  })
  .authorize(async (ctx, { identifier, n }) => {
    const json = state[identifier]?.notes[n];
    if (!json) return true;
    const note = await noteOf(json);
    if (isOpen(note)) return true;
    const asker = (await ctx.getSignedKeyOwner())?.id?.href;
    return asker != null && (asker in state[identifier].followers || note.toIds.some((u) => u.href === asker));
  });

federation.setFollowersDispatcher("/users/{identifier}/followers", (_ctx, name) =>
  state[name] ? { items: Object.keys(state[name].followers).map((id) => recipient(name, id)) } : null);
federation.setFollowingDispatcher("/users/{identifier}/following", (_ctx, name) =>
  state[name] ? { items: state[name].following.map((id) => new URL(id)) } : null);

const pageSize = 10;
federation
  .setOutboxDispatcher("/users/{identifier}/outbox", async (ctx, name, cursor) => {
    if (!state[name]) return null;
    const open = [];
    for (const json of Object.values(state[name].notes).reverse()) {
      const note = await noteOf(json);
      if (isOpen(note)) open.push(note);
    }
    const from = Number(cursor ?? 0);
    return {
      items: open.slice(from, from + pageSize).map((n) => create(ctx, name, n)),
      nextCursor: from + pageSize < open.length ? String(from + pageSize) : null,
    };
  })
  .setCounter((_ctx, name) => Object.keys(state[name]?.notes ?? {}).length)
  .setFirstCursor(() => "0");

federation.setNodeInfoDispatcher("/nodeinfo/2.1", () => ({
  software: { name: "isthmus-e2e-peer", version: "1.0.0" },
  protocols: ["activitypub"],
  usage: { users: { total: names.length }, localPosts: 0, localComments: 0 },
}));

async function keep(activity) {
  arrived.push({
    at: Date.now(), type: activity.constructor.name, id: activity.id?.href, actor: activity.actorId?.href,
    object: activity.objectId?.href, json: await activity.toJsonLd(),
  });
}

federation
  .setInboxListeners("/users/{identifier}/inbox", "/inbox")
  .setSharedKeyDispatcher(() => ({ identifier: names[0] }))
  .on(V.Follow, async (ctx, follow) => {
    const name = ctx.parseUri(follow.objectId)?.identifier;
    const who = await follow.getActor(ctx);
    if (!state[name] || !who?.inboxId) return;
    state[name].requests[who.id.href] = {
      follow: await follow.toJsonLd(), inbox: who.inboxId.href, shared: who.endpoints?.sharedInbox?.href ?? null,
    };
    save();
    await keep(follow);
    if (!locked.has(name)) await decide(ctx, name, who.id.href, true);
  })
  .on(V.Accept, async (_ctx, accept) => {
    const name = accept.objectId && names.find((n) => state[n].sent[accept.objectId.href] === accept.actorId.href);
    if (name && !state[name].following.includes(accept.actorId.href)) state[name].following.push(accept.actorId.href);
    save();
    await keep(accept);
  })
  .on(V.Undo, async (ctx, undo) => {
    const what = await undo.getObject(ctx);
    const name = what instanceof V.Follow ? ctx.parseUri(what.objectId)?.identifier : null;
    if (state[name]) delete state[name].followers[undo.actorId.href];
    save();
    await keep(undo);
  })
  .on(V.Delete, async (_ctx, gone) => {
    if (gone.objectId?.href === gone.actorId?.href) for (const name of names) delete state[name].followers[gone.actorId.href];
    save();
    await keep(gone);
  })
  .on(V.Activity, (_ctx, activity) => keep(activity))
  .onError((_ctx, error) => console.error("inbox:", error));

// decide answers a request to follow.
async function decide(ctx, name, id, yes) {
  const asked = state[name].requests[id] ?? fail(`${id} does not ask to follow ${name}`);
  delete state[name].requests[id];
  if (yes) state[name].followers[id] = { inbox: asked.inbox, shared: asked.shared };
  else delete state[name].followers[id];
  save();
  const Kind = yes ? V.Accept : V.Reject;
  const follow = await V.Follow.fromJsonLd(asked.follow);
  const to = { id: new URL(id), inboxId: new URL(asked.inbox) };
  await ctx.sendActivity({ identifier: name }, to, new Kind({ id: activityID(), actor: ctx.getActorUri(name), object: follow, to: to.id }));
}

const activityID = () => new URL(`/activities/${randomUUID()}`, origin);

function recipient(name, id) {
  const f = state[name].followers[id];
  return { id: new URL(id), inboxId: new URL(f.inbox), endpoints: f.shared ? { sharedInbox: new URL(f.shared) } : null };
}

const create = (ctx, name, note) =>
  new V.Create({
    id: new URL(`${note.id.href}/create`), actor: ctx.getActorUri(name), object: note,
    tos: [...note.toIds], ccs: [...note.ccIds], published: note.published,
  });

async function find(ctx, name, id) {
  const documentLoader = await ctx.getDocumentLoader({ identifier: name });
  return (await ctx.lookupObject(id, { documentLoader })) ?? fail(`cannot resolve ${id}`);
}

const person = async (ctx, name, id) => {
  const found = await find(ctx, name, id);
  return V.isActor(found) ? found : fail(`${id} is no actor`);
};

async function authorOf(ctx, name, id) {
  const object = await find(ctx, name, id);
  return object.attributionId ? await person(ctx, name, object.attributionId.href) : fail(`${id} has no author`);
}

// send delivers to followers, if wanted, and to people, each inbox once.
async function send(ctx, name, activity, { followers = false, people = [], shared = true }) {
  const to = new Map(people.map((p) => [p.id.href, p]));
  if (followers) for (const id of Object.keys(state[name].followers)) to.set(id, recipient(name, id));
  if (to.size > 0) await ctx.sendActivity({ identifier: name }, [...to.values()], activity, { preferSharedInbox: shared });
  return activity.id.href;
}

// react sends a Like, EmojiReact or Announce of an object to those concerned.
async function react(ctx, q, Kind, extra = {}) {
  const author = await authorOf(ctx, q.as, q.object);
  const followers = Kind === V.Announce;
  const audience = followers ? { tos: [V.PUBLIC_COLLECTION], ccs: [ctx.getFollowersUri(q.as), author.id] } : { tos: [author.id] };
  const activity = new Kind({
    id: activityID(), actor: ctx.getActorUri(q.as), object: new URL(q.object), ...audience, ...extra,
    ...(followers ? { published: Temporal.Now.instant() } : {}),
  });
  state[q.as].sent[activity.id.href] = q.object;
  undoable.set(activity.id.href, { activity, followers, people: [author] });
  return { id: await send(ctx, q.as, activity, { followers, people: [author] }) };
}
const undoable = new Map(); // what can be taken back: id -> activity and whom it went to

async function audienceOf(ctx, q, people) {
  const followers = ctx.getFollowersUri(q.as);
  const them = people.map((p) => p.id);
  switch (q.visibility ?? "public") {
    case "public": return { tos: [V.PUBLIC_COLLECTION], ccs: [followers, ...them] };
    case "unlisted": return { tos: [followers], ccs: [V.PUBLIC_COLLECTION, ...them] };
    case "followers": return { tos: [followers], ccs: them };
    case "direct": return { tos: them, ccs: [] };
  }
  return fail(`visibility ${q.visibility}?`);
}

const commands = {
  // {as, who}: asks to follow a handle or actor id.
  async follow(ctx, q) {
    const who = await person(ctx, q.as, q.who);
    const activity = new V.Follow({ id: activityID(), actor: ctx.getActorUri(q.as), object: who.id, to: who.id });
    state[q.as].sent[activity.id.href] = who.id.href;
    save();
    undoable.set(activity.id.href, { activity, followers: false, people: [who] });
    await send(ctx, q.as, activity, { people: [who], shared: false });
    return { id: activity.id.href, actor: who.id.href };
  },
  // {as, html, visibility, inReplyTo, mentions, tags, warning, media}: posts a note.
  async post(ctx, q) {
    const people = await Promise.all((q.mentions ?? []).map((m) => person(ctx, q.as, m)));
    const parent = q.inReplyTo ? await authorOf(ctx, q.as, q.inReplyTo) : null;
    if (parent && !people.some((p) => p.id.href === parent.id.href)) people.push(parent);
    const key = randomUUID();
    const id = new URL(`/users/${q.as}/notes/${key}`, origin);
    const mention = (p) => new V.Mention({ href: p.id, name: `@${p.preferredUsername}@${p.id.host}` });
    const note = new V.Note({
      id, url: id, attribution: ctx.getActorUri(q.as), content: q.html, published: Temporal.Now.instant(),
      replyTarget: q.inReplyTo ? new URL(q.inReplyTo) : null,
      summary: q.warning ?? null, sensitive: q.warning ? true : null,
      tags: [...people.map(mention), ...(q.tags ?? []).map((t) => new V.Hashtag({ href: new URL(`/tags/${t}`, origin), name: `#${t}` }))],
      attachments: (q.media ?? []).map((m) => new V.Document({ url: new URL(m.url), mediaType: m.type, name: m.alt })),
      ...(await audienceOf(ctx, q, people)),
    });
    state[q.as].notes[key] = await note.toJsonLd();
    save();
    const direct = q.visibility === "direct";
    await send(ctx, q.as, create(ctx, q.as, note), { followers: !direct, people, shared: !direct });
    return { id: id.href };
  },
  // {as, object, html}: edits a note of one's own.
  async edit(ctx, q) {
    const key = q.object.split("/").pop();
    const note = (await noteOf(state[q.as].notes[key])).clone({ content: q.html, updated: Temporal.Now.instant() });
    state[q.as].notes[key] = await note.toJsonLd();
    save();
    const update = new V.Update({ id: activityID(), actor: ctx.getActorUri(q.as), object: note, tos: [...note.toIds], ccs: [...note.ccIds] });
    return { id: await send(ctx, q.as, update, await reached(ctx, q, note)) };
  },
  // {as, object}: deletes a note of one's own.
  async delete(ctx, q) {
    const key = q.object.split("/").pop();
    const note = await noteOf(state[q.as].notes[key]);
    delete state[q.as].notes[key];
    save();
    const object = new V.Tombstone({ id: note.id });
    const gone = new V.Delete({ id: activityID(), actor: ctx.getActorUri(q.as), object, tos: [...note.toIds], ccs: [...note.ccIds] });
    return { id: await send(ctx, q.as, gone, await reached(ctx, q, note)) };
  },
  like: (ctx, q) => react(ctx, q, V.Like),
  emoji: (ctx, q) => react(ctx, q, V.EmojiReact, { content: q.emoji }),
  boost: (ctx, q) => react(ctx, q, V.Announce),
  // {as, id}: takes back a follow, like, emoji or boost.
  async undo(ctx, q) {
    const { activity, followers, people } = undoable.get(q.id) ?? fail(`nothing to undo: ${q.id}`);
    if (activity instanceof V.Follow) {
      state[q.as].following = state[q.as].following.filter((id) => id !== activity.objectId.href);
      save();
    }
    const undo = new V.Undo({ id: activityID(), actor: ctx.getActorUri(q.as), object: activity, tos: followers ? [V.PUBLIC_COLLECTION] : people.map((p) => p.id) });
    return { id: await send(ctx, q.as, undo, { followers, people }) };
  },
  accept: async (ctx, q) => (await decide(ctx, q.as, q.who, true), {}),
  reject: async (ctx, q) => (await decide(ctx, q.as, q.who, false), {}),
  // {as, who, activity}: any activity, as JSON-LD without id and actor, to one actor.
  async send(ctx, q) {
    const json = { "@context": "https://www.w3.org/ns/activitystreams", id: activityID().href, actor: ctx.getActorUri(q.as).href, ...q.activity };
    return { id: await send(ctx, q.as, await V.Activity.fromJsonLd(json), { people: [await person(ctx, q.as, q.who)], shared: false }) };
  },
  // {as, id}: an object as this server finds it: by handle, by URL.
  lookup: async (ctx, q) => (await find(ctx, q.as, q.id)).toJsonLd(),
  // {as, who}: what stands in somebody's outbox.
  async outbox(ctx, q) {
    const documentLoader = await ctx.getDocumentLoader({ identifier: q.as });
    const box = await (await person(ctx, q.as, q.who)).getOutbox({ ...ctx, documentLoader });
    const items = [];
    for await (const item of ctx.traverseCollection(box, { documentLoader })) items.push(await item.toJsonLd());
    return items;
  },
  arrived: (_ctx, q) => arrived.slice(q.from ?? 0),
  posted: () => posted,
  people: (_ctx, q) => ({
    followers: Object.keys(state[q.as].followers), following: state[q.as].following, requests: Object.keys(state[q.as].requests),
  }),
};

// reached tells whom an edit or a delete of a note concerns.
async function reached(ctx, q, note) {
  const people = [];
  for (const id of [...note.toIds, ...note.ccIds]) {
    if (id.href === V.PUBLIC_COLLECTION.href || id.host === HOST) continue;
    people.push(await person(ctx, q.as, id.href));
  }
  return { followers: [...note.toIds, ...note.ccIds].some((u) => u.href.endsWith("/followers")), people };
}

const place = (name) => {
  const [address, port] = need(name).split(":");
  return address.startsWith("127.") ? [Number(port), address] : fail(`${name}: loopback addresses only`);
};

http.createServer(async (req, res) => {
  const name = req.url.slice(1);
  try {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const q = { as: names[0], ...JSON.parse(Buffer.concat(chunks).toString() || "{}") };
    const run = Object.hasOwn(commands, name) ? commands[name] : fail(`no command ${name}`);
    const answer = await run(federation.createContext(origin), q);
    res.end(JSON.stringify(answer));
  } catch (error) {
    console.error(`${name}:`, error);
    res.writeHead(500).end(JSON.stringify({ error: String(error?.message ?? error) }));
  }
}).listen(...place("CONTROL"));

https.createServer({ cert: readFileSync(need("CERT")), key: readFileSync(need("CERT_KEY")) }, async (req, res) => {
  try {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const answer = await federation.fetch(
      new Request(new URL(req.url, origin), { method: req.method, headers: req.headers, body: req.method === "POST" ? body : undefined }),
      { contextData: undefined },
    );
    if (req.method === "POST") posted.push({ path: req.url, status: answer.status, body: body.toString(), signature: req.headers.signature ?? null });
    res.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
  } catch (error) {
    console.error(req.method, req.url, error);
    res.writeHead(500).end();
  }
}).listen(...place("LISTEN"), () => console.log(`${origin} is up, node ${process.version}`));
