-- Closed tickets are forgotten some day, with the messages that belong to them.
CREATE INDEX ticket_closed ON ticket (changed) WHERE state = 'closed';
CREATE INDEX message_ticket ON message (ticket);
