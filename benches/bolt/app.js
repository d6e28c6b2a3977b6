// The same bridge as blip-slack, as small as an honest Bolt app can be: tickets, threads and what
// is still to be done live in memory, and a webhook is acknowledged before the work is done.
'use strict';

const { timingSafeEqual } = require('node:crypto');
const { text } = require('node:stream/consumers');
const { App, LogLevel } = require('@slack/bolt');

const env = process.env;
const tickets = new Map(); // Blip's ticket id -> ticket
const threads = new Map(); // ts of a card -> its ticket
const profiles = new Map(); // Slack user -> profile

const app = new App({
  token: env.SLACK_BOT_TOKEN,
  signingSecret: env.SLACK_SIGNING_SECRET,
  logLevel: LogLevel.WARN,
  clientOptions: { slackApiUrl: `${env.SLACK_API_URL}/` },
  customRoutes: [
    { path: '/blip/webhook', method: 'POST', handler: onWebhook },
    { path: '/readyz', method: 'GET', handler: (_, response) => response.end('ready') },
  ],
});

async function onWebhook(request, response) {
  if (!isBlip(request.headers.authorization)) return response.writeHead(401).end();
  let envelope;
  try {
    envelope = JSON.parse(await text(request));
  } catch {
    return response.writeHead(400).end();
  }
  response.end(); // first the answer, then the work
  const id = envelope.from.split('@')[0];
  if (!tickets.has(id)) tickets.set(id, { id, address: envelope.from, last: Promise.resolve() });
  const ticket = tickets.get(id);
  const handle = envelope.type === 'application/vnd.iris.ticket+json' ? onTicket : onCustomerMessage;
  inOrder(ticket, () => handle(ticket, envelope.content));
}

function isBlip(token = '') {
  const expected = Buffer.from(`Key ${env.BLIP_WEBHOOK_TOKEN}`);
  const offered = Buffer.from(token);
  return offered.length === expected.length && timingSafeEqual(offered, expected);
}

// What belongs to one ticket is done one after the other.
function inOrder(ticket, work) {
  ticket.last = ticket.last.then(work).catch((error) => app.logger.error(error));
  return ticket.last;
}

async function onTicket(ticket, { status, customerIdentity, sequentialId, customerInput }) {
  if (status !== 'Waiting' || ticket.thread) return;
  const contact = await command({
    to: 'postmaster@crm.msging.net',
    method: 'get',
    uri: `/contacts/${encodeURIComponent(customerIdentity)}`,
  });
  Object.assign(ticket, { customer: contact?.name ?? customerIdentity, number: sequentialId });
  const card = await post(ticket, `${ticket.customer} #${ticket.number}: ${customerInput.value}`);
  ticket.thread = card.ts;
  threads.set(card.ts, ticket);
}

async function onCustomerMessage(ticket, content) {
  const words = typeof content === 'string' ? content : JSON.stringify(content);
  await post(ticket, words, { thread_ts: ticket.thread, username: ticket.customer });
}

function post(ticket, words, more = {}) {
  const said = { type: 'rich_text_section', elements: [{ type: 'text', text: words }] };
  return app.client.chat.postMessage({
    channel: env.SLACK_CHANNEL,
    text: escape(words),
    blocks: [{ type: 'rich_text', elements: [said] }],
    unfurl_links: false,
    unfurl_media: false,
    ...more,
  });
}

app.event('reaction_added', async ({ event }) => {
  const ticket = threads.get(event.item.ts);
  if (ticket && event.reaction === 'eyes') await inOrder(ticket, () => claim(ticket, event.user));
});

async function claim(ticket, user) {
  if (ticket.holder) return;
  const { name, email } = await profile(user);
  const agentIdentity = `${encodeURIComponent(email)}@blip.ai`;
  await command({
    to: 'postmaster@desk.msging.net',
    method: 'set',
    uri: '/tickets/change-status',
    type: 'application/vnd.iris.ticket+json',
    resource: { id: ticket.id, status: 'Open', agentIdentity },
  });
  ticket.holder = user;
  const card = `${ticket.customer} #${ticket.number}: ${name}`;
  const { thread: ts } = ticket;
  await app.client.chat.update({ channel: env.SLACK_CHANNEL, ts, text: escape(card) });
}

app.event('message', async ({ event, client }) => {
  const ticket = threads.get(event.thread_ts);
  if (!ticket || event.subtype || event.bot_id || event.text.startsWith('//')) return;
  await inOrder(ticket, async () => {
    const { isMember } = await profile(event.user);
    if (!isMember || ticket.holder !== event.user) return;
    const content = unescape(event.text);
    const id = crypto.randomUUID();
    await blip('messages', { id, to: ticket.address, type: 'text/plain', content });
    const { channel, ts: timestamp } = event;
    // Only a courtesy: nobody waits for it.
    client.reactions
      .add({ channel, timestamp, name: 'envelope_with_arrow' })
      .catch((error) => app.logger.warn(error));
  });
});

async function profile(id) {
  if (!profiles.has(id)) {
    const { user } = await app.client.users.info({ user: id });
    const isMember = !user.is_bot && !user.is_restricted && !user.deleted;
    profiles.set(id, { name: user.profile.real_name, email: user.profile.email, isMember });
  }
  return profiles.get(id);
}

async function command(envelope) {
  const answer = await blip('commands', { id: crypto.randomUUID(), ...envelope });
  const { status, reason, resource } = await answer.json();
  if (status !== 'success') throw new Error(`${envelope.uri}: ${reason?.description}`);
  return resource;
}

// Node's own fetch keeps connections open.
async function blip(path, envelope) {
  const answer = await fetch(`${env.BLIP_API_URL}/${path}`, {
    method: 'POST',
    headers: { authorization: `Key ${env.BLIP_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(envelope),
    signal: AbortSignal.timeout(15_000),
  });
  if (!answer.ok) throw new Error(`blip answered ${answer.status}`);
  if (path === 'messages') await answer.arrayBuffer(); // frees the connection
  return answer;
}

function escape(words) {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function unescape(words) {
  return words.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

app.start({ host: env.HOST, port: Number(env.PORT) });
