"""Chat: conversations, their messages, and answers that are streamed and outlive the request."""
