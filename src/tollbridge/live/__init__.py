"""What goes on for as long as a client is there: realtime sessions, and responses over a WebSocket."""
