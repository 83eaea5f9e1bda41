"""`mserve chat`: a conversation in the terminal, by the API that everybody has. Whatever a server says is data."""
