"""The people of the room: roles, casts, prompts and what their replies mean."""
