### English, translated from pt-BR.ftl.
###
### Agents read this all day: short sentences, the tone of a colleague, no jargon.
### - Texts are plain: none of < > & * _ ~ `, no :emoji:, emoji as Unicode only. What comes in
###   through a variable is fit for the place where the text appears.
### - Every state has a word and a picture of its own: nothing is said by colour alone.
### - Every language has the same messages with the same variables (tests/it/locale.rs).

## The card: the root of a ticket's thread. card-new and card-changed are what notifications and
## screen readers say, the others are its lines.

card-new = New ticket #{ $number } from { $customer } ({ $channel }): { $text }
card-new-unnumbered = New ticket from { $customer } ({ $channel }): { $text }
card-changed = Ticket #{ $number } from { $customer }: { $state }
card-changed-unnumbered = Ticket from { $customer }: { $state }
card-waiting = ⏳ Waiting, unclaimed
card-claimed = 💬 In progress
card-closed = ✅ Closed
card-transferred = ↪️ Transferred
card-active = 📣 Active message
card-active-sent = sent
card-active-waits = waiting for the customer’s answer
card-since = arrived { $time }
card-unanswered = ⏰ not answered yet
card-with = with
card-team = Team { $team }
card-tags = 🏷️ { $tags }
card-standby = 💤 standby
priority-low = 🔽 low priority
priority-medium = 🔸 medium priority
priority-high = 🔺 high priority
priority-maximum = 🚨 top priority
limit-waiting = ⌛ waiting SLA missed
limit-first-answer = ⌛ first-reply SLA missed
limit-attendance = ⌛ handling SLA missed
card-rating = ⭐ rating { $rating }
card-closed-agent = closed by { $agent }
card-closed-elsewhere = closed in Blip Desk
card-closed-customer = closed by the customer
card-closed-inactivity = closed for inactivity
card-closed-transferred = transferred
card-closed-other = closed in Blip ({ $status })
card-continues = continued from ticket { $link }
card-went-on = continues in ticket { $link }
card-earlier = earlier ticket: { $link }
card-window = ⏱️ WhatsApp’s 24-hour window is open until { $time }
card-window-closed = ⛔ WhatsApp’s 24-hour window closed at { $time }: templates only

## Buttons: one to three words that begin with a verb.

button-claim = Claim
button-take-over = Take over
button-close = Close
button-send = Send to customer
button-take-over-and-send = Take over and send
button-keep-note = Keep as note
button-send-correction = Send correction
button-retry = Try again
button-skip = Discard
button-close-anyway = Close anyway
button-keep-open = Keep open
button-transfer = Transfer
button-save = Save
button-cancel = Cancel
button-send-nothing = Don’t send
button-done = Done

## The menu of a card.

menu-tags = 🏷️ Tags
menu-reply = 💬 Canned reply
menu-template = 📄 Send message template
menu-release = ⏳ Release
menu-history = 🕑 History
menu-details = 🔎 Ticket details
menu-standby = 💤 Standby
menu-standby-end = ▶️ End standby
menu-contact = ✏️ Edit contact
menu-comment = 💬 Add comment

## The thread: lines that everybody in the channel reads.

thread-claimed = 👀 { $agent } claimed this ticket.
thread-taken-over = 👀 { $agent } took this ticket over from { $previous }.
thread-released = ⏳ { $agent } released this ticket: nobody has it now.
thread-assigned = 👀 { $agent } was given this ticket: it was their turn.
thread-taken-back = ⏳ { $agent } did not answer within { $time }: this ticket goes to whoever is free next.
thread-unread = ⚠️ { $agent }, the customer has written something that was not here yet when you closed: the ticket stays open. Close it all the same?
thread-unread-farewell = ⚠️ { $agent }, the customer has written something that was not here yet when you closed: the ticket stays open. Close it all the same? The farewell was not sent: “{ $text }”
thread-default-agent = In Blip the ticket is assigned to the default agent because { $agent } has no Blip account.
thread-closed-agent = ✅ { $agent } closed the ticket at { $time }.
thread-closed-elsewhere = ✅ Closed in Blip Desk at { $time }.
thread-closed-customer = ✅ Closed by the customer at { $time }.
thread-closed-inactivity = ✅ Closed for inactivity at { $time }.
thread-closed-transferred = ↪️ Transferred at { $time }. Nothing can be sent from here any more.
thread-closed-other = ✅ Closed in Blip ({ $status }) at { $time }.
thread-claim-refused = ⚠️ { $agent } could not claim the ticket: { $reason }.
thread-close-refused = ⚠️ { $agent } could not close the ticket: { $reason }.
thread-not-delivered = ⚠️ Not delivered to { $customer }: { $reason }.
thread-words-not-delivered = ⚠️ Not delivered to { $customer }: “{ $words }”. Reason: { $reason }.
undelivered-lasting = Sending it again would not help.
undelivered-closed = The ticket is closed, so it cannot be sent again.
undelivered-went-on = The conversation has moved to another ticket: send it there.
undelivered-offer = To send it again, create it again from the card’s ··· menu.
undelivered-active = The number or the template may be wrong.
thread-not-sent = ⚠️ A message was not sent to the customer: { $reason }. It has been saved.
thread-words-not-sent = ⚠️ A message was not sent to the customer: “{ $words }”. Reason: { $reason }. It has been saved.
thread-part-not-sent = ⚠️ Of { $agent }’s message, the customer did not get: { $parts }.
part-forwarded = a forwarded message
part-image = an image
part-unreadable = something that the integration cannot read ({ $kind })
thread-parked = ⚠️ Something from the customer could not be shown: { $reason }. It has been saved.
thread-words-parked = ⚠️ A message from the customer could not be shown: “{ $words }”. Reason: { $reason }. It has been saved.
thread-parked-news = ⚠️ News from Blip about this ticket could not be shown: { $reason }. It has been saved.
message-erased = 🗑️ Erased at the customer’s request.
channel-shared = ⚠️ This channel is shared with another company, or an invitation is pending (Slack Connect). Its people can read what customers write here, but cannot answer. Use a channel of your own company for tickets.
thread-parked-move = ⚠️ An action was not completed: { $reason }. It has been saved.
thread-parked-action = ⚠️ An action was not completed: { $words }. Reason: { $reason }. It has been saved.
thread-moved-deleted = The earlier thread was deleted in Slack. The ticket goes on here.
thread-moved-channel = The app can no longer reach the earlier channel. The ticket goes on here.
card-elsewhere = The app cannot post in the channel that this ticket belongs in. The ticket is here instead.
thread-gap = ⏮️ Arrived while the integration was down:
thread-transferred-by = ↪️ { $agent } transferred the ticket to { $to }.
thread-transferred-unknown = ↪️ { $agent } transferred the ticket to { $to }. The new ticket will appear as a card of its own.
thread-handed = { $agent } handed this ticket to you.
thread-handed-unknown = ↪️ { $agent } passed this ticket to { $to }, who is not in Slack: please tell them.
thread-handed-away = ↪️ { $agent } handed this ticket to { $to }, who is not in this channel: please tell them.
thread-goes-on = ⏳ { $customer } continues here as ticket #{ $number }, unclaimed.
thread-goes-on-team = ⏳ { $customer } continues here as ticket #{ $number }, in team { $team }, unclaimed.
thread-transfer-refused = ⚠️ { $agent } could not transfer the ticket: { $reason }.
thread-tag-needed = 🏷️ { $agent }, this ticket needs a tag before it is closed.
thread-tag-needed-farewell = 🏷️ { $agent }, this ticket needs a tag before it is closed. The farewell was not sent: “{ $text }”
thread-tags-refused = ⚠️ { $agent } could not change the tags: { $reason }.
thread-standby = 💤 { $agent } put the ticket on standby: Blip does not close it for inactivity.
thread-standby-ended = ▶️ { $agent } ended the ticket’s standby.
thread-standby-ended-elsewhere = ▶️ A manager ended the ticket’s standby at Blip.
thread-standby-ended-for-you = ▶️ { $agent }, a manager ended the ticket’s standby at Blip.
thread-standby-refused = ⚠️ { $agent } could not change the standby: { $reason }.
thread-standby-too-early = ⚠️ { $agent } could not put the ticket on standby: that works only after the first reply to the customer.
thread-contact-refused = ⚠️ { $agent } could not change the contact: { $reason }.
thread-comment-refused = ⚠️ { $agent } could not comment on the contact: { $reason }.
thread-sent = 📤 { $agent } to the customer:
thread-away = 🌙 Out of hours: the customer got the automatic answer.
thread-window-closed = ⛔ The message by { $agent } was not sent: 24 hours have passed since the customer last wrote, and WhatsApp now takes templates only.
thread-template-sent = 📄 { $agent } sent the template { $name }:

## What was said before the handoff.

context-title = Before the handoff
context-customer = Customer
context-bot = Bot
context-agent = Agent

## Questions and news that one person reads.

ask-held = { $agent } already has this ticket.
ask-typed = It was not sent. What you wrote:
ask-closed = This ticket is already closed.
ask-active = There is no ticket yet: it begins when the customer answers.
ask-close-without-farewell = The ticket is still open, because its farewell could not be sent. Close it without one?
ask-cannot-reopen = Blip cannot reopen a closed ticket. If the customer writes again, a new ticket arrives.
ask-no-identity = I could not find you in Blip, so you cannot claim tickets. Ask whoever runs the integration to set AGENT_MAP or BLIP_DEFAULT_AGENT.
ask-not-agent-note = Your message stays here as a note: only agents talk to the customer.
ask-not-agent-move = Only agents can do that.
ask-not-in-channel = Only people in the ticket’s channel can do that: join it and try again.
ask-no-group = Nobody counts as an agent at the moment: the configured user group does not exist in Slack. Tell whoever runs the integration.
ask-no-bot = The bot of this ticket is not configured at the moment. What you did has been saved, and goes on when the bot is back; tell whoever runs the integration.
ask-closed-note = The ticket is closed: your message was not sent and stays here as a note.
ask-active-note = There is no ticket yet: it begins when the customer answers. Your message was not sent and stays here as a note.
ask-not-holder = { $agent } has this ticket, and the customer did not get your message. What should happen to it?
ask-unclaimed = Nobody has claimed this ticket, and the customer did not get your message. What should happen to it?
ask-note-edited = This message does not begin like a note any more, but it still is one: the customer has not received it. What is to be done with it?
ask-forwarded = The customer did not get the message that you forwarded. What should happen to it?
ask-sent = Sent to the customer.
ask-not-sent = It was not sent: see the reason in the thread.
ask-kept = Kept as a note.
ask-taken-over = You took the ticket over.
ask-retried = Trying again.
ask-skipped = Discarded.
ask-closed-anyway = Closed all the same.
ask-kept-open = It stays open.
ask-again = Slack did not open the window. Please try again.
ask-already-yours = You already have this ticket.
ask-outdated = Things have changed, and this button no longer applies.
ask-forbidden = 🚫 Not sent: “{ $word }” is forbidden in Blip. Write it again without it.
ask-oversized = This message is too large to be read, so it stays a note and did not go to the customer. Send it in smaller parts, or as a file.
ask-resend-closed = ⚠️ Not delivered to the customer, and it cannot be sent again: the ticket has ended.
ask-resend-gone = ⚠️ Not delivered to the customer, and what was sent is no longer here: please write it again.
ask-already-sent = It has already been sent to the customer.
ask-not-note = Only a note can be sent this way, and this message is none.
ask-nothing-to-send = The customer can get nothing of this note.
ask-no-ticket = This message belongs to no ticket.
ask-outside = 💬 No customer reads what you write here, outside of the threads. To answer, write in the thread of the card.
ask-delayed-move = ⏳ Blip is not answering. What you asked for has been saved and is done as soon as it does: no need to ask again.
ask-delayed = ⏳ Blip is not answering. What you wrote has been saved and goes out as soon as it does: no need to write again.
ask-edited = The customer still sees the earlier text: edits made here do not reach them.
ask-deleted = The customer already has this message: deleting it here does not delete it there.

## Dialogs. Titles have at most 24 characters.

dialog-close = Close ticket
dialog-transfer = Transfer ticket
dialog-tags = Ticket tags
dialog-reply = Canned reply
dialog-template = Message template
dialog-history = History
dialog-details = Ticket details
dialog-contact = Edit contact
dialog-comment = Contact comment
dialog-comment-words = Comment
dialog-comment-hint = It stays with the contact at Blip: the customer does not read it, and whoever answers next does.
dialog-hidden-hint = There is a number here that is hidden in Slack: leave it empty to keep it.
dialog-notice = Blip Desk
dialog-held = { $agent } has this ticket.
dialog-held-send = Send all the same: { $agent } keeps the ticket
dialog-held-take-over = Take over and send
dialog-held-told = { $agent } has this ticket and will hear of what you do.
dialog-claims = Nobody has claimed this ticket: who sends also claims it.
dialog-unread = { $count ->
    [one] ⚠️ The customer sent { $count } message that is not in Slack yet. Wait a few seconds and it appears in the thread, or close anyway.
   *[other] ⚠️ The customer sent { $count } messages that are not in Slack yet. Wait a few seconds and they appear in the thread, or close anyway.
}
dialog-farewell = Farewell message
dialog-no-farewell = ⛔ 24 hours have passed since the customer last wrote: no farewell would arrive. The ticket is closed without one.
dialog-farewell-late = ⛔ Your farewell was not sent: 24 hours have passed since the customer last wrote. Close the ticket without it?
dialog-window-closed = ⛔ 24 hours have passed since the customer last wrote: until they write again, WhatsApp takes templates only.
dialog-search = Type to search
dialog-destination = Transfer to
dialog-destination-hint = A team or an agent. The ticket gets a new number.
dialog-tags-label = Tags
dialog-reply-which = Reply
dialog-reply-too-long = This reply is too long to be sent from here.
dialog-template-which = Template
dialog-reply-words = Message (you can edit it)
dialog-queue-tags = Of the team
dialog-other-tags = Others
dialog-teams = Teams
dialog-agents = Agents
dialog-agent-online = 🟢 online
dialog-agent-paused = ⏸️ paused
dialog-agent-offline = ⚪ offline
dialog-team-online = 🟢 { $count } online
dialog-team-nobody = ⚪ nobody online
dialog-loading = ⏳ Asking Blip…
dialog-earlier = Earlier tickets
dialog-no-earlier = No earlier tickets here.
dialog-transcript = Conversation
dialog-no-words = No messages yet.
dialog-unavailable = Blip did not answer. Please try again in a while.
details-customer = Customer
details-number = Ticket
details-state = State
details-channel = Channel
details-team = Team
details-tags = Tags
details-since = Arrived
details-identity = Blip contact ID
details-id = Blip ticket ID
details-phone = Phone
details-email = Email
details-city = City
details-document = Document
details-address = Address
details-group = Group
details-comments = Comments

## Reminders.

remind-unclaimed = ⏰ { $ticket } has been waiting for { $time }: nobody has claimed it.
remind-unclaimed-many = ⏰ { $count } tickets wait and nobody has claimed them:
remind-unanswered = ⏰ { $agent }, { $ticket } has been waiting for an answer for { $time }.

## The home tab and the answers to /blip.

home-mine = My tickets ({ $count })
home-waiting = Waiting, unclaimed ({ $count })
home-found = Found ({ $count })
done-claimed = 👀 { $ticket } is yours now.
done-taken-over = 👀 You took { $ticket } over.
done-released = ⏳ You released { $ticket }.
done-closed = ✅ You closed { $ticket }.
done-commented = The comment is saved with the contact.
home-none-mine = You have no tickets.
home-none-waiting = Nobody is waiting.
home-outside = 👉 { $count } more waiting in { $channels }: join the channel to see and claim.
home-none-found = No ticket found.
home-team = { $team } · { $count } · the oldest since { $time }
home-team-one = { $team } · { $count }
home-no-team = No team
home-news = { $count ->
    [one] { $count } new message
   *[other] { $count } new messages
}
home-more = … and { $count } more
home-unanswered = ⏰ unanswered since { $time }
home-open = 🎫 Open tickets: { $open }, unclaimed: { $unclaimed }
home-unavailable = Can’t answer right now. Please try again in a while.
home-closed = Only agents see tickets here.
pause-begun = ⏸️ You are on a break: no new ticket is given to you. Those that you have stay yours. To come back: /blip back
pause-over = ▶️ You are back: new tickets may be given to you.
pause-since = ⏸️ On a break since { $time }
switch-pause = On a break
switch-pause-about = No new ticket is given to me
switch-messages = Tell me by direct message
switch-messages-about = When a customer of mine writes while I am away
direct-waiting = 💬 { $ticket } is waiting for your answer, and you are away.
health-well = 🟢 The integration is working
health-ailing = 🔴 The integration has a problem: tell whoever runs it
health-outage = 🟠 { $platform } has not been answering since { $time }: what waits goes out when it does
health-parked = { $count ->
    [one] ⚠️ { $count } parked, waiting for somebody to resolve it
   *[other] ⚠️ { $count } parked, waiting for somebody to resolve them
}
help-mine = your tickets
help-waiting = customers waiting to be claimed, by team
help-find = a ticket by its number or the customer’s name
help-new = a template to a number, for example +55 11 98765-4321
help-pause = take a break, in which no new ticket is given to you
help-resume = come back from the break
help-status = whether the integration is working
help-thread = In the thread of a ticket
help-thread-claim = 👀 on the card, Claim, or a reply in the thread: the ticket is yours
help-thread-note = A note, which the customer does not see: begin with //, use 🔒 or mention a colleague
help-thread-close = ✅ on the card or Close: ends it, with tags and a farewell if you like
help-thread-marks = On your message: 📩 Blip has it, 📬 it reached the customer, 👓 it was read, ❌ it did not arrive

## The home tab of who leads a team.

lead-title = 📊 Team
lead-now = Now
lead-queue = ⏳ { $unclaimed } waiting · 💬 { $held } claimed · ⏰ { $unanswered } unanswered
lead-oldest = Longest wait
lead-since = since { $time }
lead-first-answer = First answer, today
lead-closing = Until closed, today
lead-spread = { $count ->
    [one] { $count } ticket · median { $median } · longest { $slowest }
   *[other] { $count } tickets · median { $median } · longest { $slowest }
}
lead-none-yet = none yet
lead-teams = By team, today
lead-team = ⏳ { $unclaimed } waiting · 💬 { $held } claimed
lead-agents = By agent, today
lead-agent = 💬 { $held } claimed
lead-row-first = { $count ->
    [one] first answer { $median } (max. { $slowest }, { $count } ticket)
   *[other] first answer { $median } (max. { $slowest }, { $count } tickets)
}
lead-row-closing = { $count ->
    [one] until closed { $median } (max. { $slowest }, { $count } ticket)
   *[other] until closed { $median } (max. { $slowest }, { $count } tickets)
}
lead-longest = Waiting longest
lead-nobody = unclaimed

## The weekly post for who leads a team. weekly-columns are the headings of a table, weekly-days the
## days from Monday on, weekly-separator what stands between the cells of a line.

weekly-title = 📊 Week from { $from } to { $until }
weekly-opened = New: { $count }
weekly-answered = First answer: { $spread }
weekly-closed = Until closed: { $spread }
weekly-none = none
weekly-chart = The week as a chart
weekly-table = Tickets of the week
weekly-per-day = New by day
weekly-closed-by-agent = Closed by agent
weekly-first-by-team = First answer by team (median)
weekly-first-by-agent = First answer by agent (median)
weekly-days = Mon Tue Wed Thu Fri Sat Sun
weekly-separator = ,
weekly-columns = ticket|bot|team|agent|arrived|first answer|closed|seconds to the first answer|seconds until closed|how it ended|rating

## The words behind /blip; those of all languages are understood.

command-mine = mine
command-waiting = waiting
command-find = find
command-new = new
command-pause = pause
command-resume = back
command-status = status

## What the app is made of in Slack, in the language of LOCALE.

manifest-command = My tickets, who is waiting, find a ticket, status, help
manifest-hint = mine | waiting | find 1042 or Maria | status | help
manifest-claim = Claim the Blip ticket of this thread
manifest-close = Close the Blip ticket of this thread
manifest-reply = Send a canned reply to the customer
manifest-compose = Send quick replies, a menu, a place or a link to the customer
manifest-note = Keep a message from being sent while there is still time
manifest-send-note = Send this note to the customer as a reply
manifest-details = All that is known of the Blip ticket of this thread
manifest-comment = Save the message as a comment on the customer’s contact

## What a customer sent, where it is more than words. Most are labels that lines follow.

content-address = Address: { $text }
content-also = Also in it:
content-asks-location = 📍 Location request
content-audio = 🎧 Audio
content-call = 📞 Call
content-call-allowed = 📞 The customer agreed to be called
content-call-answered = Answered
content-call-busy = Busy
content-call-cancelled = Cancelled
content-call-completed = Completed
content-call-failed = Failed
content-call-permission = 📞 Answer to the request to call
content-call-progress = In progress
content-call-refused = 📞 The customer does not want to be called
content-call-unanswered = Not answered
content-call-video = 📹 Video call
content-call-voice = 📞 Voice call
content-checkout = 🛒 Checkout
content-contact = 👤 Contact
content-copy-and-paste = 📋 Code to copy
content-created = Created: { $text }
content-date = Date: { $text }
content-deleted = 🗑️ The customer deleted a message
content-due = Due: { $text }
content-empty = Empty message
content-file = 📎 File
content-file-unavailable = This file cannot be opened
content-form = 📝 Form filled in
content-human-requested = 🙋 The customer asked to talk to a person
content-image = 🖼️ Image
content-invoice = 🧾 Invoice
content-invoice-status = 🧾 Payment status
content-link-clicked = 🔗 The customer opened a link
content-location = 📍 Location
content-more = … and more, which does not fit here
content-paid = Paid: { $text }
content-payment-receipt = 🧾 Payment receipt
content-reaction = Reacted with { $emoji }
content-reaction-to = Reacted with { $emoji } to: { $text }
content-reaction-removed = Removed the reaction
content-reaction-removed-from = Removed the reaction to: { $text }
content-redirected = ↪️ Conversation redirected
content-reply-to = In reply to: { $text }
content-earlier = an earlier message
content-earlier-link = an earlier message: { $link }
content-resource = 📄 Prepared content
content-sensitive = 🔒 Sensitive content, hidden
content-sticker = 🏷️ Sticker
content-summary = 📋 Summary of the conversation
content-survey = ⭐ Satisfaction survey
content-score = Rating: { $text }
content-system = ⚙️ Internal notice from Blip
content-taxes = Taxes: { $text }
content-template = 📄 Message template
content-ticket = 🎫 Ticket
content-typing = Typing…
content-unavailable = 🚫 Content unavailable
content-unknown = ❔ Message of type { $kind }
content-unknown-text = ❔ Message of type { $kind }: { $text }
content-unreadable = ⚠️ Message too large or malformed to be shown ({ $kind }). Look it up in Blip, or ask the customer to send it again in another way.
content-video = 🎬 Video
content-voice = 🎤 Voice message

## Channels of Blip by domain, with a hyphen for each dot.

channel-wa-gw-msging-net = WhatsApp
channel-0mn-io = Blip Chat
channel-messenger-gw-msging-net = Messenger
channel-instagram-gw-msging-net = Instagram
channel-telegram-gw-msging-net = Telegram
channel-workplace-gw-msging-net = Workplace
channel-skype-gw-msging-net = Skype
channel-abs-gw-msging-net = Microsoft Teams
channel-businessmessages-gw-msging-net = Google Business Messages
channel-businesschat-gw-msging-net = Apple Messages
channel-googlercs-gw-msging-net = Google RCS
channel-mailgun-gw-msging-net = Email
channel-take-io = SMS
channel-tangram-com-br = SMS
channel-msging-net = Blip
channel-tunnel-msging-net = Blip
channel-other = { $domain }

## Reasons by code of Blip, Meta or Slack (with a hyphen for each underscore), or by the name of
## our fault. They end a sentence: no capital at the beginning, no full stop.

reason-unknown = no reason was given
reason-other = Blip refused it (code { $code })
reason-unexplained = Blip did not accept it and does not say why
reason-slack = Slack did not accept it (code { $code })
reason-described = { $description } (code { $code })
reason-busy = too many messages at once
reason-unreachable = no connection for days
reason-outcome-unknown = no answer, and no way to tell whether it arrived
reason-credentials = the credentials of the integration were not accepted
reason-internal-error = an error of the integration
reason-21 = Blip found the request invalid
reason-24 = the ticket no longer accepts this change
reason-25 = Blip does not know this agent
reason-31 = the Blip key has no permission for this
reason-33 = the recipient no longer exists
reason-34 = the message quota of the contract is used up
reason-35 = the Blip key has no permission for this
reason-42 = the recipient was not found
reason-64 = Blip did not accept the details of the ticket or the agent
reason-66 = Blip does not allow this for the ticket
reason-67 = Blip did not find what was asked for
reason-71 = the channel does not accept this kind of content
reason-82 = the channel does not accept this kind of content
reason-83 = the channel did not find the customer
reason-84 = the channel does not allow this
reason-85 = the channel got too many messages
reason-86 = the channel did not answer in time
reason-87 = the channel blocked messages to this customer
reason-130472 = Meta did not deliver it because of an experiment of its own
reason-131026 = this number cannot receive messages on WhatsApp
reason-131031 = the WhatsApp account is locked
reason-131047 = more than 24 hours have passed since the customer last wrote, and WhatsApp now accepts only templates
reason-131051 = WhatsApp does not accept this kind of message
reason-131052 = WhatsApp could not download the file
reason-131053 = WhatsApp could not take the file
reason-channel-not-found = the app does not find the Slack channel
reason-file-access-denied = the integration is not allowed to see it
reason-file-canvas = it is a canvas, which only Slack opens; copy its text, or export it as PDF
reason-file-list = it is a list of Slack, which only Slack opens; copy its text
reason-file-post = it is a post of Slack, which only Slack opens; copy its text
reason-file-email = it is an email, which Slack does not hand out as a file; copy its text
reason-file-deleted = it was deleted in Slack
reason-file-elsewhere = it is not kept in Slack, so send its link instead
reason-file-hidden = it is hidden by the workspace’s plan
reason-file-not-ready = Slack has not released it yet
reason-file-uploads-disabled = uploads are switched off in this workspace
reason-file-web-page = Slack shows a sign-in page instead of it, and the app may need the files:read scope
reason-no-public-url = the integration has no public address, so ask whoever runs it to set PUBLIC_URL
reason-no-scope-for-files = the app has no permission for files and must be installed again
reason-storage-limit-reached = the storage of the workspace is full
reason-is-archived = the Slack channel is archived
reason-missing-scope = the app lacks a permission in Slack and must be installed again
reason-msg-too-long = the text is too long for Slack
reason-not-in-channel = the app is not in the Slack channel
reason-too-many-members = the channel has too many members to be read
reason-ticket-closed = the ticket had ended
reason-no-such-bot = the bot of this ticket is not configured
reason-router-key-refused = the app’s key of the bot with the WhatsApp channel is not accepted; whoever runs it can set another one
reason-paid-unknown = nobody can tell whether it went out, and it would be charged again
reason-restricted-action = Slack does not let the app write to this channel
reason-thread-not-found = the thread was deleted in Slack

## Times, as patterns of strftime.

size-point = .
time-at = at
time-clock = %H:%M
time-day = %b %-d, %Y
time-date = %b %-d, %Y, %H:%M
time-moment = %b %-d, %H:%M
time-minutes = { $minutes } min
time-hours = { $hours } h { $minutes } min
time-days = { $days } d { $hours } h

## Files: why one is not shown, or not sent; short sentences that follow its name.

words-left-out = { $count ->
    [one] … and { $count } more character, which can be read in Blip Desk.
   *[other] … and { $count } more characters, which can be read in Blip Desk.
}
file-address = Not opened here: its address is not a public one.
file-came-later = { $file }: it came later, see further down
file-coming = { $file }, coming
file-empty = The file is empty.
file-gone = Its link no longer works.
file-later = It could not be downloaded.
file-not-brought = { $file }: it could not be brought here, see further down
file-not-shown = Slack has taken it and does not show it.
file-not-taken = Slack did not take it: { $reason }.
file-one-of-many = Only the first { $count } files of one message are brought here; the others are behind their links:
file-too-large = It is larger than { $limit } and was not brought here.
file-too-much = With the other files of its message it is larger than { $limit }, and was not brought here.
file-too-slow = It came too slowly.
file-web-page = Its link leads to a web page and not to a file.
file-not-sent = ⚠️ { $name } was not sent to the customer: { $reason }.
file-large-for-channel = { $name } is { $size }, and the customer’s channel takes { $limit } at most: it may not arrive.

## Composing what is more than words: the dialog with a preview.

menu-compose = ✨ Send buttons, menu, location or link
button-preview = Preview
dialog-compose = Interactive message
dialog-preview = Preview
dialog-recipient = To { $customer }
compose-kind = What to send
compose-quick = Quick replies
compose-menu = Menu
compose-place = Location
compose-link = Link
compose-question = Message
compose-options = Options, one per line
compose-quick-hint = 1 to 3 different options of at most 20 characters each.
compose-menu-hint = 1 to 10 different options of at most 24 characters each.
compose-where = Coordinates or map link
compose-where-hint = For example -22.9519, -43.2105, or a Google Maps link with the coordinates.
compose-label = Name of the location
compose-address = Link (URL)
compose-title = Title
compose-text = Text
compose-preview = The customer will get this message:
compose-wrong-question = Enter a message.
compose-wrong-where = There are no coordinates in this text.
compose-wrong-address = It must begin with https:// or http://
compose-too-long = The message is too long.
templates-file = Link to the file above the text (https://…)
templates-title = Variable { $name } of the title, which goes here: “{ $text }”
templates-variable = Variable { $name }, which goes here: “{ $text }”
templates-link = End of the link behind “{ $button }”
templates-wrong-value = One line of text, without tabs or more than four spaces in a row.
templates-gone = This template is not available any more. Choose another one.
templates-cost = 💲 WhatsApp charges for each template that is sent.
templates-none = WhatsApp has no approved template that can be sent from here.
templates-no-key = Templates cannot be sent from here: the app has no key of the bot with the WhatsApp channel. Whoever runs it can set one.
templates-unavailable = Blip did not return the templates. Please try again in a while; if it goes on, blip-slack doctor says why.
templates-not-allowed = Templates cannot be sent from here: Blip does not let the app’s key see them; it may be the key of another bot than the one with the WhatsApp channel. Whoever runs the app can set another one.
templates-no-whatsapp = Templates can be sent to customers on WhatsApp only, and only once Blip tells who they are there.
active-not-set-up = Active messages are not set up: whoever runs the app must set the key of the bot with the WhatsApp channel and the block where answers enter.
active-wrong-number = Write the number with + and its country, for example: /blip new +55 11 98765-4321
active-which-bot = Several bots can write. Add the name of one: { $bots }
active-choose = Choose the template for { $number } in the window that has opened.
active-no-whatsapp = { $number } is not on WhatsApp: nothing was sent.
active-refused = Nothing was sent to { $number }: { $reason }.
active-unknown = Nobody can tell whether the template has gone out to { $number }. Look in Blip before you send it again.
active-open-ticket = this customer has an open ticket, and Blip sends them no active message meanwhile
active-wrong-template = This template has variables in its title, its buttons or with names, which an active message has no place for. Choose another one.
