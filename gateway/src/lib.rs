//! REST and WebSocket: the only process clients talk to.
