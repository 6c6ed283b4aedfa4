// Shows orders in a web page as they are stored. Your server asks for the ticket (POST /live/tickets) with its key, which no page
// may have, and gives the page `{ url, ticket }`. `tell` gets each event, without its payload.
export function watch({ url, ticket }, tell) {
  const socket = new WebSocket(`${url}?ticket=${encodeURIComponent(ticket)}`);
  socket.onopen = () => socket.send(JSON.stringify({ subscribe: "events", filter: { event_type: ["order.*"] } }));
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.event_id) tell(message);
  };
  return socket; // `socket.close()` ends it; after a break begin again with a new ticket
}
