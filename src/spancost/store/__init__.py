"""The store: ClickHouse, embedded or by URL, and the endpoint where SQL is answered."""
