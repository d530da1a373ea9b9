"""OTLP in: gRPC and HTTP servers that check a request, make it durable, and answer by the rules of the protocol."""
