"""What the demonstration starts from: a proposal as a Word file, its brief, and the script that builds it."""
