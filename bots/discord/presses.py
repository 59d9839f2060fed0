"""What a button's custom id says: which press, on what. Never who may: that is looked up when it is pressed."""

from bots.discord import limits

_OURS = "atelier"


def encode_press(action: str, target: str, argument: str = "") -> str:
    """Return ``atelier:{action}:{target}:{argument}``, at most 100 characters.

    Raises:
        ValueError: If it would be longer or could not be read back; ids are short, and a cut one is somebody else's.
    """
    custom_id = f"{_OURS}:{action}:{target}:{argument}"
    if len(custom_id) > limits.CUSTOM_ID or ":" in action + target or not action:
        raise ValueError(f"no custom id: {custom_id!r}")
    return custom_id


def decode_press(custom_id: str) -> tuple[str, str, str] | None:
    """Return action, target and argument of a button of ours, None for another's."""
    ours, _, rest = custom_id.partition(":")
    action, _, rest = rest.partition(":")
    target, divided, argument = rest.partition(":")
    return (action, target, argument) if ours == _OURS and action and divided else None
