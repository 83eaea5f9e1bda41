"""Programs at work: one task owns each run, and readers follow its log. Knows no HTTP and no wire."""
