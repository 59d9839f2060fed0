"""Rule-based text checks and mechanical edits: what the rehearsal model knows. No language model, no network."""
