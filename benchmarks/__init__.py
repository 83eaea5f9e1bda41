"""The race between mserve, others, and a bare socket. Nothing of mserve imports it."""
