"""Who pays and who takes part: workspaces, members, projects."""
