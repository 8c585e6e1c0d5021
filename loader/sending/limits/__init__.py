"""When to send, when to pause and when to stop; pure functions of events and time."""
